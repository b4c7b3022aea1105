"""Which column of the platform shows a generation's status: recognised, stored and read."""

from typing import Any

import psycopg
from psycopg.rows import dict_row, tuple_row

from app.database.platform.shipped_maps import (
    NOT_WRITTEN,
    OWN,
    PUBLICATION,
    PUBLICATION_LABELS,
    SHIPPED,
    STATUSES,
    TEXT,
    UNKNOWN,
    StatusMap,
)
from app.database.queries import read_setup

Connection = psycopg.Connection[Any]

#: The source of a map that an operator has set. `migrate` leaves it alone.
OPERATOR = "operator"


class BadMap(Exception):
    """The map does not fit the platform's column; the message says why."""


def recognise(conn: Connection, *, own_columns: frozenset[str]) -> StatusMap:
    """The map for the database as it is. `own_columns` are those of `courses` that this service created."""
    columns = read_columns(conn)
    if not columns or columns[0]["name"] in own_columns:
        return OWN
    column = columns[0]
    if column["labels"] is None:
        is_ours = column["takes_any"] and (column["name"] == "generation_status" or not column["is_shared"])
        return TEXT[column["name"]] if is_ours else UNKNOWN
    labels = frozenset(column["labels"])
    if column["name"] == "status" and labels == PUBLICATION_LABELS:
        return PUBLICATION
    return next((known for known in SHIPPED.values() if known.changes and labels == labels_of(known)), UNKNOWN)


def labels_of(status_map: StatusMap) -> frozenset[str]:
    """Every value that the map names."""
    named = {value for value in status_map.values.values() if value is not None}
    return frozenset(named.union(status_map.changes, *status_map.changes.values()))


def read_columns(conn: Connection) -> list[dict[str, Any]]:
    """The columns that may show a generation, the likelier first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(read_setup("platform/status_columns")).fetchall()


def read_map(conn: Connection) -> StatusMap | None:
    """The map in force; None before it is filled."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "select status, column_name, value, is_guarded, source from coursegen.status_map"
        ).fetchall()
        changes: dict[str, list[str]] = {}
        for old, new in cursor.execute("select old_value, new_value from coursegen.status_changes order by 1, 2"):
            changes.setdefault(old, []).append(new)
    if not rows:
        return None
    values = {status: value for status, _, value, *_ in rows}
    column = next((name for _, name, *_ in rows if name is not None), None)
    return StatusMap(rows[0][4], column, {status: values.get(status) for status in STATUSES}, changes, rows[0][3])


def store_map(conn: Connection, status_map: StatusMap) -> None:
    """The map is the one in force, with its routes. In the caller's transaction."""
    conn.execute("delete from coursegen.status_map; delete from coursegen.status_changes")
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into coursegen.status_map values (%s, %s, %s, %s, %s)",
            [
                (
                    status,
                    status_map.column if value is not None else None,
                    value,
                    status_map.is_guarded,
                    status_map.source,
                )
                for status, value in status_map.values.items()
            ],
        )
        changes = [(old, new) for old, followers in status_map.changes.items() for new in followers]
        cursor.executemany("insert into coursegen.status_changes values (%s, %s)", changes)
        cursor.executemany("insert into coursegen.status_routes values (%s, %s, %s)", list(status_map.routes()))


def fill_map(conn: Connection) -> None:
    """The map is that of the platform as it is now, unless an operator has set one."""
    current = read_map(conn)
    if current is not None and current.source == OPERATOR:
        return
    found = recognise(conn, own_columns=read_own_columns(conn))
    if current is not None and found == UNKNOWN and _still_fits(conn, current):
        return  # the platform has got one more label
    if current != found:
        store_map(conn, found)


def _still_fits(conn: Connection, status_map: StatusMap) -> bool:
    """Whether the map's column is an enum that has each value of the map."""
    labels = {row["name"]: row["labels"] for row in read_columns(conn)}.get(status_map.column or "")
    return labels is not None and labels_of(status_map) <= set(labels)


def read_own_columns(conn: Connection) -> frozenset[str]:
    """The columns of `courses` that this service created; `status` is the only one of a table of its own."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        names = cursor.execute(
            "select name from coursegen.created_objects where kind in ('table', 'column')"
        ).fetchall()
    created = {name for (name,) in names}
    if "courses" in created:
        return frozenset({"status"})
    return frozenset(name.removeprefix("courses.") for name in created)


def parse_map(conn: Connection, given: Any) -> StatusMap:
    """An operator's map: `column`, `values` by our status, `changes` by old value. Raises `BadMap`."""
    if not isinstance(given, dict) or not isinstance(given.get("values"), dict):
        raise BadMap('The map is an object with "column", "values" and "changes"')
    column, values = given.get("column"), given["values"]
    try:
        changes = {str(old): sorted(map(str, followers)) for old, followers in (given.get("changes") or {}).items()}
    except (AttributeError, TypeError) as error:
        raise BadMap('"changes" has a list of values for each old value') from error
    if unknown := set(values) - set(STATUSES):
        raise BadMap(f"No status of a generation: {', '.join(sorted(unknown))}. They are: {', '.join(STATUSES)}")
    found = {row["name"]: row["labels"] for row in read_columns(conn)}
    if column is not None and column not in found:
        raise BadMap(f"courses has no column {column}. It may be: {', '.join(found) or 'none'}")
    status_map = StatusMap(OPERATOR, column, NOT_WRITTEN | values, changes)
    if not all(value is None or isinstance(value, str) for value in values.values()):
        raise BadMap("Each value is a text, or null where the status is not written")
    if column is None and any(values.values()):
        raise BadMap("Values need the name of their column")
    labels = found.get(column) if column is not None else None
    if labels is not None and (foreign := labels_of(status_map) - set(labels)):
        raise BadMap(f"{column} has no {', '.join(sorted(foreign))}. It has: {', '.join(labels)}")
    return status_map

"""The settings of every live process, and where they differ."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.queries import QUERIES
from app.operations.listings import read_rows
from app.services import Services
from app.services.registration import name_process
from app.settings.shown import COMMON, LOCAL, show_settings

#: What is said of a setting: all have the same value; some differ, as they may; some differ and should not.
SAME, DIFFERS, CONFLICTS = "same", "differs", "conflicts"


@dataclass(frozen=True, slots=True)
class Process:
    """A process, by its host and process id, and its settings as they may be shown."""

    name: str
    kind: str
    settings: Mapping[str, str]


def list_settings(services: Services, kind: str) -> list[dict[str, Any]]:
    """Each setting's values: `setting`, `value`, `state`, and the `processes` that have it, largest group first.

    Of the live processes, and of this one, which is of that kind.
    """
    with services.db.connection() as conn:
        processes = list_live(conn, services.settings.stalled_s)
    name = name_process()
    if all(process.name != name for process in processes):
        processes.append(Process(name, kind, show_settings(services.settings)))
    return [row for setting in compare(processes) for row in setting]


def list_conflicts(conn: Connection[DictRow], stalled_s: float) -> list[str]:
    """The settings that must agree among live processes, and do not."""
    compared = compare(list_live(conn, stalled_s))
    return [rows[0]["setting"] for rows in compared if rows[0]["state"] == CONFLICTS]


def list_processes(services: Services) -> list[DictRow]:
    """Every process of the last day: whether it lives, its version, places and load, since when and its last sign."""
    rows = read_rows(services.db, "list_processes", stalled=services.settings.stalled_s)
    return [{name: value for name, value in row.items() if name != "settings"} for row in rows]


def list_live(conn: Connection[DictRow], stalled_s: float) -> list[Process]:
    """Those that have given a sign of life within `stalled_s`."""
    rows = conn.execute(QUERIES["list_processes"], {"stalled": stalled_s})
    return [Process(row["process"], row["kind"], row["settings"]) for row in rows if row["is_alive"]]


def compare(processes: Iterable[Process]) -> Iterator[list[dict[str, Any]]]:
    """For each setting, a row for each of its values. A process of a release without the setting is left out."""
    values: dict[str, dict[str, list[Process]]] = defaultdict(lambda: defaultdict(list))
    for process in processes:
        for setting, value in process.settings.items():
            values[setting][value].append(process)
    for setting, groups in values.items():
        state = SAME if len(groups) == 1 else CONFLICTS if _must_agree(setting, groups) else DIFFERS
        yield [
            {
                "setting": setting,
                "value": value,
                "state": state,
                "processes": [f"{process.kind} {process.name}" for process in group],
            }
            for value, group in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
        ]


def _must_agree(setting: str, groups: Mapping[str, Iterable[Process]]) -> bool:
    """Whether two of these processes must have the same value: any two, or two of one kind."""
    if setting in COMMON:
        return True
    kinds = [kind for group in groups.values() for kind in {process.kind for process in group}]
    return setting not in LOCAL and len(kinds) > len(set(kinds))

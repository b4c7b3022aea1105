"""A look at a database before its migration: what fits, what is adopted, what to decide, and what is in the way."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from procrastinate.schema import SchemaManager
from psycopg.rows import tuple_row

from app.database.platform.remarks import Kind, Remark
from app.database.platform.shipped_maps import PUBLICATION, STAGE_1, STAGES_2_TO_5, UNKNOWN, StatusMap
from app.database.platform.status_map import labels_of, read_columns, read_map, read_own_columns, recognise
from app.database.platform.table_checks import check_courses, check_metrics
from app.database.queries import read_setup

Connection = psycopg.Connection[Any]

OLDEST_VERSION, NEWEST_VERSION = 15, 18

#: The tRPC procedures that an LMS calls. docs/cutover.md names them too.
SERVED_CALLS = ("generation.initiate", "generation.cancel", "generation.status")
OTHER_CALLS = ("jobs.getStatus", "jobs.cancel", "generation.getStatus", "generation.uploadFile")


def check_platform(conn: Connection, *, app_role: str, upgrade_queue: bool = False) -> list[Remark]:
    """Every remark on the database, changing nothing. `conn` is in autocommit mode.

    An obstacle means that `migrate` would fail or that no generation could start.
    """
    with conn.transaction():
        conn.execute("set transaction read only")
        with conn.cursor(row_factory=tuple_row) as cursor:
            [(facts,)] = cursor.execute(read_setup("platform/facts"), {"role": app_role}).fetchall()
        tables = facts["tables"] or {}
        migrated = bool(facts["schema"] and facts["schema"]["migrated"])
        own = read_own_columns(conn) if migrated else frozenset()
        made = _read_made(conn) if migrated else frozenset()
        remarks = [
            *_check_server(facts),
            *_check_login(facts, app_role, migrated=migrated),
            *check_courses(tables.get("courses"), facts),
            *check_metrics(tables.get("system_metrics"), facts["types"] or {}),
            *_check_functions(facts, migrated=migrated),
            *_check_queue(tables, facts, migrated=migrated, upgrade=upgrade_queue),
            *_check_status(conn, own, migrated=migrated),
            *_check_rest(tables, publishes=bool(facts["publishes"])),
        ]
    if made:
        says = f"This service made {', '.join(sorted(made))}."
        remarks.append(Remark(Kind.FITS, "own", says))
    return [remark for remark in remarks if remark.kind is not Kind.ADOPTED or remark.subject not in made]


def _read_made(conn: Connection) -> frozenset[str]:
    """The tables and types outside our schema that `migrate` created: they are not adopted."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute("select name from coursegen.created_objects where kind in ('table', 'type')")
        return frozenset(name for (name,) in rows)


def _check_server(facts: Mapping[str, Any]) -> Iterator[Remark]:
    version = facts["version"] // 10000
    if version < OLDEST_VERSION:
        how = f"Upgrade to PostgreSQL {OLDEST_VERSION} or later."
        yield Remark(Kind.OBSTACLE, "server", f"PostgreSQL {version} is older than {OLDEST_VERSION}.", how)
    elif version > NEWEST_VERSION:
        yield Remark(Kind.DECIDE, "server", f"PostgreSQL {version} is not tested.", "Try it on a copy first.")
    else:
        yield Remark(Kind.FITS, "server", f"PostgreSQL {version}.")
    if facts["encoding"] != "UTF8":
        says = f"The database's encoding is {facts['encoding']}, which can't hold every course."
        how = "Create a database with encoding UTF8, and restore a dump of this one into it."
        yield Remark(Kind.OBSTACLE, "server", says, how)
    if facts["standby"]:
        yield Remark(Kind.OBSTACLE, "server", "It is a standby, which takes no writes.", "Connect to the primary.")
    elif facts["read_only"]:
        how = "Free disk space if the platform made it so, then: alter database … reset default_transaction_read_only;"
        yield Remark(Kind.OBSTACLE, "server", "The database is read-only by default.", how)


def _check_login(facts: Mapping[str, Any], app_role: str, *, migrated: bool) -> Iterator[Remark]:
    login, schema = facts["login"], facts["schema"]
    if schema is None and not facts["may_create_schema"]:
        how = f"grant create on database … to {login};"
        yield Remark(Kind.OBSTACLE, "login", f"{login} may not create the schema coursegen.", how)
    elif schema and not schema["mine"]:
        how = "Run it as the role that owns the schema."
        yield Remark(Kind.OBSTACLE, "login", f"The schema coursegen is not {login}'s.", how)
    elif schema and not migrated and schema["tables"]:
        how = "Rename or drop it."
        yield Remark(Kind.OBSTACLE, "schema", "A schema coursegen is here that this service did not make.", how)
    if not facts["may_create_in_public"]:
        how = f"grant create on schema public to {login};"
        yield Remark(Kind.OBSTACLE, "login", f"{login} may not create the queue's tables in public.", how)
    if not facts["role"] and not facts["may_create_role"]:
        how = f"Have an administrator run: create role {app_role} nologin;"
        yield Remark(Kind.OBSTACLE, "role", f"{login} may not create the role {app_role}.", how)
    elif facts["role"]:
        yield Remark(Kind.FITS if migrated else Kind.ADOPTED, "role", f"The role {app_role} is used as it is.")
    else:
        yield Remark(Kind.FITS, "role", f"The role {app_role} will be created, without login.")


def _check_functions(facts: Mapping[str, Any], *, migrated: bool) -> Iterator[Remark]:
    functions = facts["progress_functions"]
    if functions and not migrated:
        says = f"update_course_progress ({len(functions)} forms) stays; ours is coursegen.update_course_progress."
        yield Remark(Kind.ADOPTED, "update_course_progress", says)


def _check_queue(
    tables: Mapping[str, Any], facts: Mapping[str, Any], *, migrated: bool, upgrade: bool
) -> Iterator[Remark]:
    if "procrastinate_jobs" not in tables:
        yield Remark(Kind.FITS, "queue", "The queue's tables will be created in public.")
        return
    if migrated:
        return
    needed = set(re.findall(r"FUNCTION (procrastinate_\w+)", SchemaManager.get_schema()))
    lacking = sorted(needed - set(facts["queue_functions"]))
    if lacking and not upgrade:
        says = f"A Procrastinate schema is here that is older than the library: {lacking[0]} is missing."
        yield Remark(Kind.OBSTACLE, "queue", says, "If its other users can do with the newer one: --upgrade-queue")
    else:
        yield Remark(Kind.ADOPTED, "queue", "A Procrastinate schema is here and is used; rollback leaves it.")


def _check_status(conn: Connection, own: frozenset[str], *, migrated: bool) -> Iterator[Remark]:
    status_map: StatusMap | None = None
    if migrated and conn.execute("select where to_regclass('coursegen.status_map') is not null").rowcount:
        status_map = read_map(conn)
    status_map = status_map or recognise(conn, own_columns=own)
    columns = {row["name"]: row["labels"] for row in read_columns(conn)}
    labels = columns.get(status_map.column) if status_map.column else None
    if labels is not None and (gone := labels_of(status_map) - set(labels)):
        says = f"courses.{status_map.column} has no {', '.join(sorted(gone))}, which the map of statuses names."
        yield Remark(Kind.DECIDE, "status", says, "coursegen platform status --recognise, or --set FILE")
    elif status_map.source == UNKNOWN.source:
        name, found = next(iter(columns.items()))
        says = f"courses.{name} ({', '.join(found or ['text'])}) is of no known platform and will show no generation."
        how = "Say which value shows which status: coursegen platform status --json > map.json; … --set map.json"
        yield Remark(Kind.DECIDE, "status", says, how)
    elif status_map.source == PUBLICATION.source:
        says = "courses.status is about publication and stays; no column shows a generation. Clients ask the API."
        yield Remark(Kind.ADOPTED, "status", says)
    elif status_map.column is None:
        yield Remark(Kind.ADOPTED, "status", "An operator's map writes no status.")
    else:
        says = f"A generation is shown in courses.{status_map.column}, by the map {status_map.source}."
        yield Remark(Kind.ADOPTED if status_map.is_guarded else Kind.FITS, "status", says)
    yield from _check_clients(status_map)


def _check_clients(status_map: StatusMap) -> Iterator[Remark]:
    if status_map.source not in (STAGE_1.source, STAGES_2_TO_5.source):
        return
    yield Remark(Kind.FITS, "pages", "Pages of Stage 1 that start, follow and cancel a generation are served.")
    says = f"Of the calls of an LMS {', '.join(SERVED_CALLS)} are served; {', '.join(OTHER_CALLS)} are not."
    yield Remark(Kind.DECIDE, "calls", says, "Route the calls that are served, and leave the others where they are.")
    if status_map.source == STAGES_2_TO_5.source:
        says = "Buttons that approve a stage or restart one call procedures that are not served: they do nothing."
        yield Remark(Kind.DECIDE, "pages", says, "Show the pages of these buttons no course of this service.")


def _check_rest(tables: Mapping[str, Any], *, publishes: bool) -> Iterator[Remark]:
    if "generation_status_history" in tables and not tables["generation_status_history"]["course_is_indexed"]:
        says = (
            "With OLD_STACK=beside, the history of a course's status is read before a start; it has no index for that."
        )
        how = "create index concurrently on generation_status_history (course_id, changed_at);"
        yield Remark(Kind.DECIDE, "history", says, how)
    if "file_catalog" in tables:
        says = "Files that have no path are looked up in file_catalog, by coursegen.course_files."
        yield Remark(Kind.ADOPTED, "files", says)
    if "organizations" in tables and "tier" in tables["organizations"]["columns"]:
        says = "organizations.tier has the tiers; tokens may not."
        yield Remark(Kind.DECIDE, "tiers", says, "TIER_SOURCE=database reads it, by coursegen.user_tier.")
    if publishes:
        says = "A completed generation is put onto the platform's pages, by coursegen.publish_course."
        yield Remark(Kind.ADOPTED, "results", says)
    elif "sections" in tables and "lessons" in tables:
        says = "The platform shows sections and lessons; a generation fills neither by itself."
        how = "coursegen platform apply deploy/platforms/sections_and_lessons.sql"
        yield Remark(Kind.DECIDE, "results", says, how)

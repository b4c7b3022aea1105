"""Takes this service, or its latest migrations, out of a database again."""

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from app.database.migration_session import Connection, MigrationError, is_present, migration_session
from app.database.migrations import APP_ROLE, down_part, name_role
from app.database.queries import read_setup

log = logging.getLogger(__name__)


def rollback(database_url: str, *, app_role: str = APP_ROLE, export: Path | None = None) -> list[str]:
    """The database is as before `migrate`, but for rows of a `courses` that was there. Returns what stays and why.

    Writes finished courses, and a `courses` that `migrate` created, to the folder `export`. Raises `MigrationError` and
    changes nothing while processes of the service are connected, while generations are under way, and when such rows
    would be lost without an export.
    """
    with migration_session(database_url) as session:
        _refuse_unmigrated(session.conn)
        kept = session.run(partial(_roll_back, app_role=app_role, export=export))
    log.info("migrations_rolled_back")
    return kept


def roll_back_to(database_url: str, version: str) -> list[str]:
    """The migrations after that version are undone, the latest first. Returns their names; a second call: none.

    Every release then has to `migrate` before it starts, for its functions. Raises `MigrationError` and changes nothing
    while processes of the service are connected, and when one of the migrations can't be undone.
    """
    with migration_session(database_url) as session:
        undone = session.run(partial(_undo_after, version=version))
    for name in undone:
        log.info("migration_undone", extra={"migration": name})
    return undone


def migrations_after(conn: psycopg.Connection[Any], version: str) -> list[str]:
    """The names of the migrations that `roll_back_to` would undo, the latest first. Raises `MigrationError`."""
    _refuse_unmigrated(conn)
    version = version.partition("_")[0]
    applied = dict(conn.execute("select version, name from coursegen.applied_migrations order by version").fetchall())
    if version not in applied:
        raise MigrationError(f"{version} is not applied here. Applied: {', '.join(applied.values())}")
    return [name for later, name in reversed(applied.items()) if later > version]


def _undo_after(conn: Connection, *, version: str) -> list[str]:
    names = migrations_after(conn, version)
    if not names:
        return names
    _refuse_live(conn)
    for name in names:
        try:
            _undo(conn, name)
        except psycopg.OperationalError:
            raise  # a lock that was not to be had, among others
        except (psycopg.Error, MigrationError) as error:
            raise MigrationError(f"{name} can't be undone alone: {error}") from error
    conn.execute(read_setup("vanished_objects"))
    # Those of the undone release stay in the database; each release must bring its own again.
    conn.execute("delete from coursegen.applied_functions")
    return names


def _undo(conn: Connection, name: str) -> None:
    version = name.partition("_")[0]
    down = down_part(version)
    if down is None:
        raise MigrationError("it has no part that undoes it")
    conn.execute(down)
    conn.execute("delete from coursegen.applied_migrations where version = %s", (version,))


def _refuse_unmigrated(conn: psycopg.Connection[Any]) -> None:
    if not is_present(conn, "coursegen.created_objects"):
        raise MigrationError("There is nothing to roll back: the database is not migrated")


def _refuse_live(conn: Connection) -> None:
    live = [name for (name,) in conn.execute(read_setup("live_sessions")).fetchall()]
    if live:
        raise MigrationError(f"Stop API and workers first. Connected: {', '.join(live)}")


def _refuse_under_way(conn: Connection) -> None:
    """No course would stay as if its generation were going on."""
    if is_present(conn, "coursegen.generations"):
        active = conn.execute("select from coursegen.generations where finished_at is null").rowcount
        if active:
            raise MigrationError(
                f"Generations are under way ({active}), and their courses would stay so. Let workers finish them, or"
                " cancel them: `coursegen generations cancel --all`"
            )


def _roll_back(conn: Connection, *, app_role: str, export: Path | None) -> list[str]:
    _refuse_live(conn)
    _refuse_under_way(conn)
    _export(conn, export)
    kept = []
    if conn.execute("select from coursegen.queue_migrations where was_there").rowcount:
        kept.append("The queue's schema stays as it is: it was there before this service")
    try:
        conn.execute(name_role(conn, read_setup("rollback"), app_role))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise MigrationError(f"Objects that this service did not create depend on it: {error}") from error
    try:
        with conn.transaction():
            conn.execute(name_role(conn, read_setup("drop_role"), app_role))
    except (psycopg.errors.DependentObjectsStillExist, psycopg.errors.InsufficientPrivilege) as error:
        kept.append(f"The role {app_role} stays: {error.diag.message_detail or error}")
    return kept


def _export(conn: Connection, folder: Path | None) -> None:
    """Every row that goes and can't be made again is in the folder. Raises `MigrationError` where there is none."""
    if not is_present(conn, "coursegen.finished_courses"):
        return  # of a first migration that failed
    with conn.cursor(row_factory=dict_row) as cursor:
        finished = cursor.execute(read_setup("finished_courses")).fetchall()
        created = cursor.execute("select from coursegen.created_objects where (kind, name) = ('table', 'courses')")
        courses = cursor.execute("select * from public.courses order by id").fetchall() if created.rowcount else []
    if not finished and not courses:
        return
    if folder is None:
        raise MigrationError(
            f"{len(finished)} finished courses and {len(courses)} rows of courses would be lost."
            " Name a folder to write them to: --export FOLDER"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for course in finished:
        (folder / f"{course['generation_id']}.md").write_text(course["body"], encoding="utf-8")
        _write_json(folder / f"{course['generation_id']}.json", course)
    if courses:
        _write_json(folder / "courses.json", courses)


def _write_json(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2, default=str), encoding="utf-8")

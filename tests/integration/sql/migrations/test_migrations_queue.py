from pathlib import Path

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from app.database.migration_session import MigrationError, migration_session
from app.database.migrations import migrate, missing
from app.database.queue_schema import queue_scripts, read_queue_catalog, replay_queue_scripts

SCRIPTS = [script.stem for script in queue_scripts()]
#: The last script of older releases of the library, and one release halfway between its two scripts.
OLDER = {
    "2.15": "02.14.01_01_add_indexes_for_fetch_job",
    "3.0": "03.00.00_50_post_cancel_notification",
    "3.1, before its second script": "03.01.00_01_pre_add_heartbeat",
    "3.2": "03.02.00_50_post_batch_defer_jobs",
    "3.3": "03.03.00_01_pre_priority_lock_fetch_job",
}


def apply_up_to(conn: psycopg.Connection, last: str) -> None:
    """The queue's schema as somebody else has it, with a job."""
    for script in queue_scripts()[: SCRIPTS.index(last) + 1]:
        conn.execute(script.read_bytes())
    conn.execute("insert into procrastinate_jobs (queue_name, task_name) values ('theirs', 'theirs')")


def recorded(conn: psycopg.Connection) -> dict[str, bool]:
    return dict(conn.execute("select script, was_there from coursegen.queue_migrations").fetchall())


def test_a_new_database_has_the_whole_schema_and_the_record_of_every_script(new_database_url: str) -> None:
    applied = migrate(new_database_url)
    assert applied[: len(SCRIPTS)] == SCRIPTS
    with psycopg.connect(new_database_url) as conn:
        assert recorded(conn) == dict.fromkeys(SCRIPTS, False)


def test_a_schema_of_the_same_release_is_used_as_it_is(new_database_url: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(SchemaManager.get_schema())
        conn.execute("insert into procrastinate_jobs (queue_name, task_name) values ('theirs', 'theirs')")
        before = read_queue_catalog(conn, "public")
        migrate(new_database_url)
        assert missing(conn) == []
        assert recorded(conn) == dict.fromkeys(SCRIPTS, True)
        assert read_queue_catalog(conn, "public") == before
        assert conn.execute("select queue_name from procrastinate_jobs").fetchall() == [("theirs",)]


@pytest.mark.parametrize("last", OLDER.values(), ids=OLDER)
def test_an_older_schema_is_brought_up_when_asked_for(new_database_url: str, last: str) -> None:
    rest = SCRIPTS[SCRIPTS.index(last) + 1 :]
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        apply_up_to(conn, last)
        before = read_queue_catalog(conn, "public")
        with pytest.raises(MigrationError, match=rf"--upgrade-queue.*{rest[0]}.*{rest[-1]}"):
            migrate(new_database_url)
        assert read_queue_catalog(conn, "public") == before
        assert conn.execute("select to_regnamespace('coursegen'), to_regnamespace('coursegen_replay')").fetchone() == (
            None,
            None,
        )

        assert migrate(new_database_url, upgrade_queue=True)[: len(rest)] == rest
        assert missing(conn) == []
        assert recorded(conn) == {script: script not in rest for script in SCRIPTS}
        assert conn.execute("select queue_name from procrastinate_jobs").fetchall() == [("theirs",)]
        conn.execute("create schema whole; set search_path = whole")
        conn.execute(SchemaManager.get_schema())
        assert read_queue_catalog(conn, "public") == read_queue_catalog(conn, "whole")
        assert migrate(new_database_url) == []


def test_every_state_of_the_schema_differs_from_every_other(new_database_url: str) -> None:
    with migration_session(new_database_url) as session:
        states = replay_queue_scripts(session)
    assert len(states) == len(SCRIPTS)
    same = [later for earlier, later, state in zip(states, SCRIPTS[1:], states[1:], strict=False) if earlier == state]
    # It makes a trigger anew, with the same name and function; so to apply it or not is the same.
    assert same == ["00.07.01_01_fix_trigger_status_events_insert"]


def test_a_schema_of_no_release_is_for_the_operator(new_database_url: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(SchemaManager.get_schema())
        conn.execute("drop function procrastinate_retry_job_v2")
        with pytest.raises(MigrationError, match=r"no known release.*lacks function procrastinate_retry_job_v2"):
            migrate(new_database_url, upgrade_queue=True)


def test_what_an_operator_added_to_the_queue_does_not_matter(new_database_url: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(SchemaManager.get_schema())
        conn.execute("create index procrastinate_theirs on procrastinate_jobs (task_name)")
        migrate(new_database_url)
        assert recorded(conn) == dict.fromkeys(SCRIPTS, True)


def test_a_newer_library_brings_its_scripts_to_a_queue_of_ours(
    new_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(new_database_url)
    newer = tmp_path / "99.00.00_01_pre_something.sql"
    newer.write_text("create function procrastinate_something_v1() returns int language sql as 'select 1';")
    scripts = [*queue_scripts(), newer]
    monkeypatch.setattr("app.database.queue_schema.queue_scripts", lambda: scripts)
    monkeypatch.setattr("app.database.migrations.queue_scripts", lambda: scripts)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        assert missing(conn) == [newer.stem]
        assert migrate(new_database_url) == [newer.stem]
        assert missing(conn) == []
        assert recorded(conn) == dict.fromkeys([*SCRIPTS, newer.stem], False)
        conn.execute("set role coursegen_app")
        assert conn.execute("select procrastinate_something_v1()").fetchone() == (1,)

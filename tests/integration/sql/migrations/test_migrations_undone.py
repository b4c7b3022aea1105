"""Migrations are undone back to a version, one release's after the other's."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from app.database.migration_session import MigrationError
from app.database.migrations import migrate, missing
from app.database.rollback import migrations_after, roll_back_to, rollback
from stack.postgres import PostgresServer
from stack.schema_dump import dump_schema

FIRST = "20261129000001"
ADDED = {
    "20991231000001_notes": """
        create table coursegen.notes (id int primary key);
        alter table public.courses add column if not exists noted int;
        -- migrate:down
        drop table coursegen.notes;
        alter table public.courses drop column noted;
    """,
    "20991231000002_note_texts": """
        create table coursegen.note_texts (id int references coursegen.notes);
        -- migrate:down
        drop table coursegen.note_texts;
    """,
}
NAMES = sorted(ADDED, reverse=True)


@pytest.fixture
def added(release: Path) -> Path:
    """The folder of the migrations of a later release."""
    for name, text in ADDED.items():
        (release / "migrations" / f"{name}.sql").write_text(text.replace("        ", ""), encoding="utf-8")
    return release / "migrations"


@pytest.fixture
def dump(postgres_servers: PostgresServer, new_database_url: str) -> Callable[[], str]:
    """A function that returns what pg_dump makes of the test's database."""
    return lambda: dump_schema(postgres_servers, new_database_url)


def applied(conn: psycopg.Connection) -> list[str]:
    return [name for (name,) in conn.execute("select name from coursegen.applied_migrations order by version")]


def test_a_later_release_is_undone_back_to_the_version_of_the_earlier_one(
    new_database_url: str, added: Path, dump: Callable[[], str]
) -> None:
    later = {name: (added / f"{name}.sql") for name in ADDED}
    texts = {name: file.read_bytes() for name, file in later.items()}
    for file in later.values():
        file.unlink()
    migrate(new_database_url)
    as_it_was = dump()
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        earlier = applied(conn)[-1]
        for name, text in texts.items():
            later[name].write_bytes(text)
        migrate(new_database_url)
        assert dump() != as_it_was
        assert migrations_after(conn, earlier.partition("_")[0]) == NAMES
        assert roll_back_to(new_database_url, earlier.partition("_")[0]) == NAMES
        assert dump() == as_it_was
        assert applied(conn)[-1] == earlier
        assert roll_back_to(new_database_url, earlier) == []  # its name will do, and a second call changes nothing
        assert dump() == as_it_was
        migrate(new_database_url)
        assert missing(conn) == []
        assert roll_back_to(new_database_url, NAMES[1]) == NAMES[:1]


def test_neither_release_counts_as_migrated_after_it(new_database_url: str, added: Path) -> None:
    """The functions in the database are those of the later release; the earlier one's come back by its migration."""
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        roll_back_to(new_database_url, NAMES[1])
        (added / f"{NAMES[0]}.sql").unlink()
        assert "begin_stage_v1" in missing(conn)
        assert "begin_stage_v1" in migrate(new_database_url)
        assert missing(conn) == []


def test_what_was_undone_in_a_shared_table_is_not_sought_by_the_whole_rollback(
    new_database_url: str, added: Path, dump: Callable[[], str]
) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute("create table courses (id uuid primary key, user_id uuid not null, title text, slug text)")
        as_it_was = dump()
        migrate(new_database_url)
        created = "select from coursegen.created_objects where name = 'courses.noted'"
        roll_back_to(new_database_url, NAMES[1])
        assert conn.execute(created).rowcount == 1
        roll_back_to(new_database_url, FIRST)
        assert conn.execute(created).rowcount == 0
        gone = "select from coursegen.created_objects where name = 'courses.language'"
        assert conn.execute(gone).rowcount == 1
    rollback(new_database_url)
    assert dump() == as_it_was


def test_undoing_is_refused_while_a_worker_gives_signs_of_life(new_database_url: str, added: Path) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute("insert into procrastinate_workers (last_heartbeat) values (now())")
        with pytest.raises(MigrationError, match="Stop API and workers first"):
            roll_back_to(new_database_url, NAMES[1])
        assert missing(conn) == []


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("20200101000000", "20200101000000 is not applied here. Applied: 20261129000001_coursegen"),
        ("none", "none is not applied here"),
    ],
)
def test_an_unknown_version_is_refused_with_those_that_there_are(
    new_database_url: str, added: Path, version: str, reason: str
) -> None:
    migrate(new_database_url)
    with pytest.raises(MigrationError, match=reason):
        roll_back_to(new_database_url, version)


def test_a_migration_of_a_release_that_is_not_this_one_is_refused(new_database_url: str, added: Path) -> None:
    migrate(new_database_url)
    (added / f"{NAMES[0]}.sql").unlink()
    with pytest.raises(MigrationError, match=f"{NAMES[0]}.*the release that applied it"):
        roll_back_to(new_database_url, NAMES[1])


def test_a_migration_that_cannot_be_undone_alone_leaves_everything_as_it_is(new_database_url: str, added: Path) -> None:
    file = added / f"{NAMES[1]}.sql"
    file.write_text(file.read_text(encoding="utf-8").partition("-- migrate:down")[0], encoding="utf-8")
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        with pytest.raises(MigrationError, match=f"{NAMES[1]} can't be undone alone"):
            roll_back_to(new_database_url, FIRST)
        assert missing(conn) == []


def test_what_somebody_built_on_it_is_named_and_nothing_is_undone(new_database_url: str, added: Path) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute("create view their_view as select * from coursegen.notes")
        with pytest.raises(MigrationError, match="their_view"):
            roll_back_to(new_database_url, FIRST)
        assert missing(conn) == []


def test_an_unmigrated_database_has_nothing_to_undo(new_database_url: str) -> None:
    with pytest.raises(MigrationError, match="nothing to roll back"):
        roll_back_to(new_database_url, FIRST)


def test_every_migration_but_the_first_can_be_undone_and_applied_again(
    new_database_url: str, dump: Callable[[], str]
) -> None:
    migrate(new_database_url)
    whole = dump()
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        names = applied(conn)
        for name in reversed(names[:-1]):
            roll_back_to(new_database_url, name)
            assert applied(conn)[-1] == name
        migrate(new_database_url)
        assert applied(conn) == names
    assert sorted(dump().split("\n\n")) == sorted(whole.split("\n\n"))

"""`migrate --check`: every obstacle at once, and nothing is changed."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from app.database.migration_session import MigrationError
from app.database.migrations import migrate
from app.database.platform.check import check_platform
from app.database.platform.remarks import Kind, Remark
from tests.integration.platform.conftest import AGES, OWNERS, MakePlatform, dump, login

Connection = psycopg.Connection[Any]


def check(url: str, **options: Any) -> list[Remark]:
    with psycopg.connect(url, autocommit=True) as conn:
        return check_platform(conn, app_role="coursegen_app", **options)


def said(remarks: list[Remark], kind: Kind) -> str:
    return "\n".join(f"{remark.says} {remark.how}" for remark in remarks if remark.kind is kind)


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("age", AGES)
def test_every_age_fits_before_and_after_its_migration(make_platform: MakePlatform, age: str, owner: str) -> None:
    url = make_platform(age, owner)
    before = dump(url)
    assert said(check(url), Kind.OBSTACLE) == ""
    assert dump(url) == before
    migrate(url)
    assert said(check(url), Kind.OBSTACLE) == ""


def test_what_the_service_made_is_not_adopted(empty_database_url: str) -> None:
    migrate(empty_database_url)
    remarks = check(empty_database_url)
    assert {remark.kind for remark in remarks} == {Kind.FITS}
    assert "This service made courses, metric_event_type, metric_severity, system_metrics." in said(remarks, Kind.FITS)


@pytest.mark.parametrize(
    ("age", "kind", "words"),
    [
        ("before", Kind.ADOPTED, "publication"),
        ("before", Kind.ADOPTED, "update_course_progress (1 forms) stays"),
        ("stage1", Kind.ADOPTED, "by the map stage-1"),
        ("stage1", Kind.ADOPTED, "courses has row-level security and gets one policy, coursegen_service"),
        ("stage1", Kind.ADOPTED, "trg_validate_generation_status"),
        ("stage1", Kind.DECIDE, "TIER_SOURCE=database"),
        ("newest", Kind.ADOPTED, "by the map stages-2-to-5"),
        ("stage1", Kind.FITS, "Pages of Stage 1 that start, follow and cancel a generation are served"),
        ("stage1", Kind.DECIDE, "generation.status are served; jobs.getStatus, jobs.cancel"),
        ("stage1", Kind.DECIDE, "create index concurrently on generation_status_history"),
        ("newest", Kind.DECIDE, "Buttons that approve a stage or restart one"),
    ],
)
def test_it_says_what_is_adopted_and_what_to_decide(
    make_platform: MakePlatform, age: str, kind: Kind, words: str
) -> None:
    assert words in said(check(make_platform(age)), kind)


def test_every_obstacle_is_named_at_once_and_migrate_fails_there(make_platform: MakePlatform) -> None:
    url = make_platform("stage1")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            """
            alter table courses alter generation_progress type text, drop slug,
                drop constraint courses_pkey cascade, drop error_message,
                add column error_message text generated always as (title) stored;
            alter table system_metrics drop severity, add column tenant text not null;
            alter type generation_status rename value 'finalizing' to 'polishing';
            create schema coursegen; create table coursegen.theirs ();
            create table procrastinate_jobs ();
            """
        )
    before = dump(url)
    remarks = check(url)
    obstacles = said(remarks, Kind.OBSTACLE)
    for words in (
        "courses has no column slug",
        "courses.id is not unique",
        "courses.generation_progress is text, not jsonb",
        "courses.error_message is generated",
        "system_metrics lacks severity",
        "An event of ours has no tenant",
        "A schema coursegen is here",
        "A Procrastinate schema is here that is older",
    ):
        assert words in obstacles
    assert "polishing" in said(remarks, Kind.DECIDE)
    assert all(remark.how for remark in remarks if remark.kind in (Kind.OBSTACLE, Kind.DECIDE))
    assert dump(url) == before
    with pytest.raises((MigrationError, psycopg.Error)):
        migrate(url)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("alter type metric_event_type rename value 'job_rollback' to 'rolled_back'", "lacks job_rollback"),
        ("alter table courses rename to c; create view courses as select * from c", "courses is no table"),
        ("alter table courses alter user_id type text using user_id::text", "courses.user_id is text, not uuid"),
        ("alter table system_metrics alter metadata type text", "system_metrics.metadata is text"),
        (
            "alter table courses rename to c; create unlogged table courses (like c including all)",
            "courses is unlogged",
        ),
    ],
)
def test_an_obstacle_of_any_kind_is_seen(make_platform: MakePlatform, change: str, words: str) -> None:
    url = make_platform("stage1")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "alter table courses drop constraint courses_user_id_fkey;"
            "do $$ declare p record; begin for p in select polname, polrelid::regclass t from pg_policy loop"
            " execute format('drop policy %I on %s', p.polname, p.t); end loop; end $$"
        )
        conn.execute(change.encode())
    assert words in said(check(url), Kind.OBSTACLE)


def test_an_encoding_that_lacks_letters_is_in_the_way(platform_server: str) -> None:
    name = "platform_latin1"
    with psycopg.connect(platform_server, autocommit=True) as conn:
        conn.execute(f"create database {name} encoding 'LATIN1' locale 'C' template template0".encode())
        try:
            remarks = check(urlunsplit(urlsplit(platform_server)._replace(path=f"/{name}")))
        finally:
            conn.execute(f"drop database {name} with (force)".encode())
    assert "encoding is LATIN1" in said(remarks, Kind.OBSTACLE)


def test_a_restrictive_policy_is_for_the_operator(make_platform: MakePlatform) -> None:
    url = make_platform("stage1")
    with psycopg.connect(url, autocommit=True) as conn:
        policy = "as restrictive using (organization_id::text = auth.jwt() ->> 'organization_id')"
        conn.execute(f'create policy "own organization" on courses {policy}'.encode())
        conn.execute("create policy of_others on courses as restrictive to authenticated using (true)")
        how = 'alter policy "own organization" on courses to authenticated;'
        assert [remark.how for remark in check(url) if remark.subject == "courses" and remark.how] == [how]
        conn.execute(how.encode())
    assert "restrictive" not in said(check(url), Kind.DECIDE)


def test_a_domain_is_what_its_type_is(make_platform: MakePlatform) -> None:
    url = make_platform("stage1")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create domain slug as text check (value <> 'new'); alter table courses alter slug type slug")
    assert said(check(url), Kind.OBSTACLE) == ""


def test_a_login_without_the_rights_is_told_all_it_lacks(make_platform: MakePlatform, platform_server: str) -> None:
    url = make_platform("stage1")
    with psycopg.connect(platform_server, autocommit=True) as conn:
        conn.execute("drop role if exists guest; create role guest login password 'guest'")
        obstacles = said(check(login(url, "guest", "guest")), Kind.OBSTACLE)
        conn.execute("drop role guest")
    for words in ("may not create the schema coursegen", "may not create the queue's tables", "courses belongs to"):
        assert words in obstacles

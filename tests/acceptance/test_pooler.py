"""The service behind PgBouncer in transaction mode, where a session lasts no longer than a transaction."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from app.database.migration_session import MigrationError
from app.database.migrations import migrate
from app.database.pool import LIMITS
from app.database.session import SETTINGS, set_statements
from bench.environment.debian_tools import ToolMissing
from bench.environment.pgbouncer import CONNECT_QUERY, POOLED, PgBouncer
from bench.environment.stage_handlers import EMPTY
from bench.environment.stand import Stand
from bench.load.python_generator import send_all
from bench.load.ready_courses import create_courses, read_tag
from tests.conftest import WaitUntil

ROOT = Path(__file__).resolve().parents[2]

#: Fewer than connect to it, so that a transaction meets sessions that others have used.
SESSIONS = 3
#: Enough that psycopg would prepare every statement on every connection, which it does when one comes the sixth time.
COURSES = 60
STAGES = 4

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def outlasting() -> Iterator[ExitStack]:
    """What is entered here ends after the stand. Without its pooler the service would need its whole grace to stop."""
    with ExitStack() as outlasting:
        yield outlasting


@pytest.fixture(scope="module")
def stand(outlasting: ExitStack) -> Iterator[Stand]:
    with Stand() as stand:
        yield stand


@pytest.fixture(scope="module")
def pooler(outlasting: ExitStack, stand: Stand) -> PgBouncer:
    try:
        return outlasting.enter_context(PgBouncer(stand.database_url, SESSIONS))
    except ToolMissing as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_api_and_workers_run_generations_to_their_end(stand: Stand, pooler: PgBouncer, wait_until: WaitUntil) -> None:
    behind = {"DATABASE_URL": pooler.url, **POOLED}
    port = stand.start_api(**behind)
    stand.start_workers(**behind, **EMPTY)
    courses = create_courses(stand.database_url, stand.secret, COURSES)
    assert send_all(port, [course.generate for course in courses]).statuses == Counter({200: COURSES})
    with psycopg.connect(stand.database_url, autocommit=True) as conn:
        completed = "select count(*) from coursegen.generations where status = 'completed'"
        wait_until(lambda: conn.execute(completed).fetchone() == (COURSES,), within_s=90)
        assert conn.execute("select count(*) from coursegen.attempts").fetchone() == (COURSES * STAGES,)
        assert conn.execute("select count(*) from system_metrics").fetchone() == (0,)
    polls = [course.poll(read_tag(port, course)) for course in courses]
    assert send_all(port, polls).statuses == Counter({304: COURSES})


def test_its_sessions_have_the_limits_that_the_service_sets_elsewhere(stand: Stand, pooler: PgBouncer) -> None:
    with (
        psycopg.connect(pooler.url, autocommit=True) as pooled,
        psycopg.connect(stand.database_url, autocommit=True) as direct,
    ):
        direct.execute(set_statements(LIMITS, direct.info.server_version))
        for name in {**LIMITS, **SETTINGS}:
            assert pooled.execute(f"show {name}").fetchone() == direct.execute(f"show {name}").fetchone()


def test_the_documented_query_is_the_one_tested_here() -> None:
    document = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert f"connect_query='{CONNECT_QUERY.replace(chr(39), chr(39) * 2)}'" in document


def test_a_migration_through_it_is_refused_with_what_helps(pooler: PgBouncer) -> None:
    with pytest.raises(MigrationError, match=r"pooler in transaction mode.*URL of PostgreSQL itself"):
        migrate(pooler.url)


@pytest.mark.slow
def test_a_pooler_in_session_mode_needs_no_setting(wait_until: WaitUntil) -> None:
    with ExitStack() as outlasting, Stand() as stand:
        try:
            pooler = outlasting.enter_context(PgBouncer(stand.database_url, 60, mode="session"))
        except ToolMissing as error:
            pytest.skip(str(error))
        migrate(pooler.url)
        behind = {"DATABASE_URL": pooler.url}
        port = stand.start_api("api in session mode", **behind)
        stand.start_workers(**behind, **EMPTY)
        [course] = create_courses(stand.database_url, stand.secret, 1)
        assert send_all(port, [course.generate]).statuses == Counter({200: 1})
        with psycopg.connect(stand.database_url, autocommit=True) as conn:
            status = "select status::text from coursegen.generations where course_id = %s"
            wait_until(lambda: conn.execute(status, [course.course_id]).fetchone() == ("completed",), within_s=60)

"""A release under way: what an older process began, it finishes with the versions of the verbs that it knows."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from app.database.migrations import migrate
from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.runs import verbs
from app.generation.runs.verbs import Run
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services, make_services
from app.settings import Settings
from tests.integration.conftest import NO_REDIS
from tests.integration.factories import insert_course

FETCH = "select id from procrastinate_fetch_job_v2(null, (select worker_id from procrastinate_register_worker_v1()))"


@pytest.fixture
def older_process(new_database_url: str, release: Path, settings: Settings) -> Iterator[Services]:
    """A process of the release that is in service, on a database of its own."""
    migrate(new_database_url)
    services = make_services(replace(settings, database_url=new_database_url, redis_url=NO_REDIS))
    yield services
    services.close()


def test_a_stage_begun_before_the_migration_completes_after_it_and_counts_one_start(
    older_process: Services, new_database_url: str, release: Path
) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        course = insert_course(conn)
        admitted = older_process.admissions.admit(Caller(course.user_id, Tier.FREE), Order(course.id))
        [(job_id,)] = conn.execute(FETCH).fetchall()
        run = Run(admitted.generation_id, course.user_id, fence=1, job_id=job_id, worker="of the older release")
        with older_process.db.connection() as own:
            verbs.begin_stage(own, start := verbs.count_start(own, run))

        # The newer release calls the verb with one argument more, and has no file of the older version any more.
        v1 = release / "functions" / "verbs" / "complete_stage_v1.sql"
        v2 = (
            v1.read_text()
            .replace("complete_stage_v1(", "complete_stage_v2(")
            .replace("p_continue boolean", "p_continue boolean, p_units jsonb")
        )
        v1.with_name("complete_stage_v2.sql").write_text(v2)
        v1.unlink()
        assert migrate(new_database_url) == ["complete_stage_v2"]
        signatures = "select count(*) from pg_proc where proname in ('complete_stage_v1', 'complete_stage_v2')"
        assert conn.execute(signatures).fetchone() == (2,)

        with older_process.db.connection() as own:
            verbs.complete_stage(own, start, b'{"goals": []}', 0, may_continue=False)
        assert conn.execute("select stage::text, outcome::text from coursegen.attempts").fetchall() == [
            (Stage.STRUCTURE_ANALYSIS.value, "completed")
        ]
        stage = "select stage::text, status::text from coursegen.generations"
        assert conn.execute(stage).fetchall() == [(Stage.STRUCTURE_GENERATION.value, "running")]

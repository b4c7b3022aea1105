"""A worker on courses whose progress no frontend wrote: each generation ends, and gives its slot back."""

from collections.abc import Callable

import psycopg
import pytest
import redis
from psycopg.rows import DictRow

from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.hostile import PROGRESS
from tests.integration.tasks.conftest import MakeWorker, work

BringToEnd = Callable[[dict[str, str]], dict[str, str]]


@pytest.fixture
def bring_to_end(
    make_services_with: Callable[..., Services],
    make_worker: MakeWorker,
    make_course: MakeCourse,
    conn: psycopg.Connection[DictRow],
    redis_client: "redis.Redis",
) -> BringToEnd:
    """A function that has a worker run courses with these kinds of progress; returns how each generation stands."""

    def bring(progress: dict[str, str]) -> dict[str, str]:
        services = make_services_with(limit=len(progress))
        for name, text in progress.items():
            course = make_course(title=name)
            conn.execute("update courses set generation_progress = %s::jsonb where id = %s", [text, course.id])
            services.admissions.admit(Caller(course.user_id, Tier.FREE), Order(course.id))
        work(make_worker(retry_backoff_s=0.0))
        found = conn.execute(
            "select title, generations.status::text from coursegen.generations join courses on courses.id = course_id"
        ).fetchall()
        active = sum(row["status"] in ("queued", "running") for row in found)
        assert redis_client.zcard("concurrency:global") == active
        return {row["title"]: row["status"] for row in found}

    return bring


def test_every_course_comes_to_an_end(bring_to_end: BringToEnd) -> None:
    # Files of a wrong shape are files that can't be read, and so the generation fails; all else is written anew.
    expected = {
        name: "failed" if '"files": [' in text and '"files": []' not in text else "completed"
        for name, text in PROGRESS.items()
    }
    assert bring_to_end(PROGRESS) == expected

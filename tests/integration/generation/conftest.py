"""What the tests of the domain share: an admission in one call, and what it left behind."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.services import Services
from tests.integration.factories import Course

Admit = Callable[..., UUID]


@pytest.fixture
def admit_course() -> Admit:
    """Asks for the course's generation as its owner, or as somebody else."""

    def ask(
        services: Services,
        course: Course,
        tier: Tier = Tier.FREE,
        user_id: UUID | None = None,
        webhook_url: str | None = None,
    ) -> UUID:
        caller = Caller(user_id or course.user_id, tier)
        order = Order(course.id, webhook_url, request_id="r-1")
        return services.admissions.admit(caller, order).generation_id

    return ask


def rows(conn: psycopg.Connection[DictRow], query: str, *values: Any) -> list[DictRow]:
    return conn.execute(query, values).fetchall()


def nothing_started(conn: psycopg.Connection[DictRow]) -> bool:
    """No generation, no job, no course touched."""
    return (
        rows(conn, "select 1 from coursegen.generations") == []
        and rows(conn, "select 1 from procrastinate_jobs") == []
        and rows(conn, "select 1 from courses where status is not null or generation_started_at is not null") == []
    )

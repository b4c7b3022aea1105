"""Each report on a past whose figures are known; psql and the command agree on every one."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from app.operations.reports import REPORTS
from tests.integration.operations.conftest import Asked
from tests.integration.operations.rows import ADA, BOB, CYD, Past, minutes, seconds, stamp, this_hour

#: A moment before this is not asked for.
BEFORE = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def since() -> datetime:
    return this_hour() - 5 * HOUR


@pytest.mark.parametrize("name", REPORTS)
def test_empty_tables_have_no_rows(asked: Asked, name: str) -> None:
    assert asked(name, "7d") == []


@pytest.mark.parametrize("name", REPORTS)
def test_what_was_long_ago_has_no_rows(past: Past, asked: Asked, since: datetime, name: str) -> None:
    long_ago = since - timedelta(days=3)
    generation = past.generation(long_ago, long_ago + minutes(5), "failed")
    past.attempt(generation, "FINALIZATION", long_ago, minutes(1), "failed", error="no")
    for event in ("job_rollback", "orphaned_job_recovery", "concurrency_limit_hit", "worker_timeout"):
        past.event(event, long_ago, job=generation)
    assert asked(name, since) == []


def test_success_is_of_completed_and_failed_by_source(past: Past, asked: Asked, since: datetime) -> None:
    for status in ("completed", "completed", "failed", "cancelled"):
        past.generation(since - minutes(9), since, status)
    past.generation(since, since + minutes(1), "completed", source="trpc")
    past.generation(since, since + minutes(1), "cancelled", source="cli")
    past.generation(since - minutes(9), since - BEFORE, "failed")
    past.generation(since)
    assert asked("success_rate", since) == [
        ("http", 4, 2, 1, 1, Decimal("66.7")),
        ("cli", 1, 0, 0, 1, None),
        ("trpc", 1, 1, 0, 0, Decimal("100.0")),
    ]


def test_rollbacks_are_counted_in_their_hour_beside_admissions(past: Past, asked: Asked, since: datetime) -> None:
    past.event("job_rollback", since - BEFORE)
    past.event("job_rollback", since)
    past.event("rpc_retry_exhausted", since)
    past.event("job_rollback", since + HOUR - BEFORE, BOB)
    past.event("job_rollback", since + 2 * HOUR)
    past.generation(since + minutes(5), since + minutes(6))
    past.generation(since + HOUR, since + HOUR + minutes(6))  # in an hour without a rollback
    expected = [
        (f"{since:%Y-%m-%dT%H:00Z}", 2, 1, 2, 1),
        (f"{since + 2 * HOUR:%Y-%m-%dT%H:00Z}", 1, 0, 1, 0),
    ]
    assert asked("rollbacks_per_hour", since) == expected
    assert asked("rollbacks_per_hour", since + minutes(59)) == expected  # the first hour counts whole


def test_refusals_count_what_was_merged(past: Past, asked: Asked, since: datetime) -> None:
    refused = "concurrency_limit_hit"
    past.event(refused, since - BEFORE, tier="FREE", limit="user", count=100)
    past.event(refused, since, tier="FREE", limit="user", count=7)
    past.event(refused, since + minutes(1), BOB, tier="FREE", limit="user")
    past.event(refused, since + minutes(2), tier="FREE", limit="system", count=2)
    past.event(refused, since + minutes(3), CYD, tier="PREMIUM", limit="system", count="many")
    past.event("duplicate_job_detected", since + minutes(4), CYD, tier="PREMIUM")
    past.event("duplicate_job_detected", since + minutes(5), None)
    past.event("job_rollback", since + minutes(6), tier="FREE")
    assert asked("refusals", since) == [
        ("FREE", "user_limit", 8, 2, stamp(since + minutes(1))),
        ("FREE", "system_limit", 2, 1, stamp(since + minutes(2))),
        ("PREMIUM", "generation_active", 1, 1, stamp(since + minutes(4))),
        ("PREMIUM", "system_limit", 1, 1, stamp(since + minutes(3))),
        ("unknown", "generation_active", 1, 0, stamp(since + minutes(5))),
    ]


def test_recoveries_say_how_it_went_on(past: Past, asked: Asked, since: datetime) -> None:
    def recovered(job: object, after: float, stage: str = "STRUCTURE_ANALYSIS") -> None:
        past.event("orphaned_job_recovery", since + minutes(after), job=job, stage=stage)

    completed = past.generation(since, since + minutes(9))
    recovered(completed, 0)
    recovered(completed, 1)
    recovered(past.generation(since, since + minutes(9), "failed"), 2)
    recovered(past.generation(since, status="running"), 3)
    recovered(uuid4(), 4)  # deleted since
    recovered("not an id", 5)
    recovered(past.generation(since, since + minutes(9), "cancelled"), 6, "DOCUMENT_PROCESSING")
    past.event("orphaned_job_recovery", since - BEFORE, job=completed, stage="STRUCTURE_ANALYSIS")
    assert asked("recoveries", since) == [
        ("STRUCTURE_ANALYSIS", 6, 5, 1, 1, 0, 1, stamp(since + minutes(5))),
        ("DOCUMENT_PROCESSING", 1, 1, 0, 0, 1, 0, stamp(since + minutes(6))),
    ]


def test_durations_are_of_the_starts_that_completed_a_stage(past: Past, asked: Asked, since: datetime) -> None:
    free = past.generation(since, since + minutes(30))
    for number in range(1, 102):  # 1, 2, … 101 s: percentiles fall on whole seconds
        past.attempt(free, "TEXT_GENERATION", since, seconds(number), "completed")
    past.attempt(free, "TEXT_GENERATION", since, minutes(10), "timeout")
    past.attempt(free, "TEXT_GENERATION", since, None, None)
    past.attempt(free, "TEXT_GENERATION", since, minutes(10), "shutdown")
    premium = past.generation(since + minutes(1), tier="PREMIUM", status="running")
    past.attempt(premium, "TEXT_GENERATION", since + minutes(1), seconds(1.5), "completed")
    past.attempt(premium, "TEXT_GENERATION", since + minutes(1), seconds(2.5), "completed")
    past.attempt(premium, "STRUCTURE_ANALYSIS", since + minutes(1), seconds(2), "failed")
    past.attempt(past.generation(since - BEFORE), "FINALIZATION", since, seconds(1), "completed")
    assert asked("stage_durations", since) == [
        ("STRUCTURE_ANALYSIS", "PREMIUM", 0, 1, None, None, None),
        ("TEXT_GENERATION", "FREE", 101, 1, Decimal("51.00"), Decimal("96.00"), Decimal("100.00")),
        ("TEXT_GENERATION", "PREMIUM", 2, 0, Decimal("2.00"), Decimal("2.45"), Decimal("2.49")),
    ]


def test_the_wait_is_from_admission_to_the_first_start(past: Past, asked: Asked, since: datetime) -> None:
    for number in range(101):
        past.generation(since, since + minutes(9), started_at=since + seconds(number))
    past.generation(since, since + minutes(9), "cancelled")  # never started, waits no more
    past.generation(since - BEFORE, since + minutes(9), started_at=since + minutes(8))
    past.generation(since, status="running", started_at=since + seconds(2), priority=10)
    past.generation(this_hour() - HOUR, priority=5)
    ten, five, one = asked("queue_wait", since)
    assert ten == (10, 1, *[Decimal("2.00")] * 4, 0, None)
    assert five[:-1] == (5, 0, None, None, None, None, 1)
    assert 3600 <= five[-1] < 7300
    assert one == (1, 101, Decimal("50.00"), Decimal("95.00"), Decimal("99.00"), Decimal("100.00"), 0, None)


def test_failures_have_the_cause_of_the_last_start_that_counts(past: Past, asked: Asked, since: datetime) -> None:
    def failed(after: float, *starts: tuple[str | None, str | None], user: UUID = ADA, **fields: object) -> UUID:
        at = since + minutes(after)
        job = past.generation(since - HOUR, at, "failed", user_id=user, error_message="Не вышло", **fields)
        for outcome, error in starts:
            past.attempt(job, "FINALIZATION", at, None if outcome is None else seconds(1), outcome, error=error)
        return job

    failed(-0.001, ("failed", "ValueError: never seen"))
    failed(0, ("failed", f"ValueError: no {uuid4()}\nTraceback"))
    latest = failed(1, ("timeout", "…"), ("failed", f"ValueError: no {uuid4()}"), ("shutdown", None), user=BOB)
    silent = failed(2, (None, None))
    stuck = failed(3, stage="STRUCTURE_ANALYSIS")
    past.generation(since, since + minutes(4), "cancelled")
    assert asked("failure_causes", since) == [
        ("FINALIZATION", "failed", "ValueError: no <id>", 2, 2, stamp(since + minutes(1)), str(latest)),
        ("STRUCTURE_ANALYSIS", "none", "Не вышло", 1, 1, stamp(since + minutes(3)), str(stuck)),
        ("FINALIZATION", "silent", "Не вышло", 1, 1, stamp(since + minutes(2)), str(silent)),
    ]


def test_busy_users_are_those_with_generations_then_those_refused(past: Past, asked: Asked, since: datetime) -> None:
    past.generation(since, since + minutes(30), tier="BASIC")
    past.generation(since + HOUR, since + HOUR + minutes(60), "failed")
    past.generation(since, since + minutes(6), "cancelled", user_id=BOB)
    past.generation(since - BEFORE, since + minutes(30), user_id=BOB)
    past.generation(this_hour() - HOUR, user_id=CYD, tier="TRIAL", status="running", finished_at=None)
    past.event("concurrency_limit_hit", since, BOB, tier="STANDARD", limit="user", count=3)
    past.event("duplicate_job_detected", since + minutes(1), BOB, tier="PREMIUM")
    past.event("concurrency_limit_hit", since, UUID(int=9), tier="TRIAL", limit="user")
    past.event("concurrency_limit_hit", since - BEFORE, ADA, tier="FREE", limit="user")
    rows = asked("busiest_users", since)
    assert rows[0] == (str(ADA), "FREE", 2, 1, 1, 0, 0, Decimal("1.50"), 0)
    assert rows[1] == (str(BOB), "PREMIUM", 1, 0, 0, 1, 0, Decimal("0.10"), 4)
    assert rows[2][:7] == (str(CYD), "TRIAL", 1, 0, 0, 0, 1)
    assert 1 <= rows[2][7] <= Decimal("2.01")
    assert rows[3:] == [(str(UUID(int=9)), "TRIAL", 0, 0, 0, 0, 0, Decimal("0.00"), 1)]

"""The reports by hour or by day include the empty ones."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.database.pool import Database
from app.operations.reports import REPORTS, run_report
from tests.integration.operations.conftest import SLOTS, Asked
from tests.integration.operations.rows import BOB, Past, minutes, this_hour

BEFORE = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def hour(at: datetime, peak: int, mean: str, percent: str) -> tuple[object, ...]:
    return (f"{at:%Y-%m-%dT%H:00Z}", peak, Decimal(mean), SLOTS, Decimal(percent))


def idle(at: datetime) -> tuple[object, ...]:
    return hour(at, 0, "0.00", "0.0")


def test_slots_in_use_are_counted_over_each_hour(past: Past, asked: Asked) -> None:
    start = this_hour() - 6 * HOUR
    past.generation(start - HOUR, start)  # ended as the window began
    past.generation(start - HOUR, start + minutes(30))  # reaches into it
    past.generation(start + minutes(30), start + minutes(45))  # takes the slot as it is given back
    past.generation(start + HOUR + minutes(45), start + 3 * HOUR)  # over hours, ends on the hour
    past.generation(start + HOUR + minutes(45), start + 3 * HOUR)
    past.generation(start + 2 * HOUR, start + 2 * HOUR + minutes(30))
    past.generation(start + 4 * HOUR + minutes(10), start + 4 * HOUR + minutes(10), "cancelled")  # at once
    expected = [
        hour(start, 1, "0.75", "18.8"),
        hour(start + HOUR, 2, "0.50", "12.5"),
        hour(start + 2 * HOUR, 3, "2.50", "62.5"),
        idle(start + 3 * HOUR),
        idle(start + 4 * HOUR),
        idle(start + 5 * HOUR),
    ]
    assert asked("slot_use", start)[:6] == expected
    assert asked("slot_use", start + minutes(59))[:6] == expected  # the first hour counts whole
    # From the first generation on that was active in the window.
    assert asked("slot_use", start + 3 * HOUR)[:2] == expected[4:]
    assert asked("slot_use", start + 5 * HOUR) == []


def test_slot_use_begins_with_the_first_generation_of_the_window(past: Past, asked: Asked) -> None:
    start = this_hour() - 3 * HOUR
    past.generation(start + minutes(15), start + minutes(30))
    assert asked("slot_use", start - 5 * DAY)[:2] == [hour(start, 1, "0.25", "6.3"), idle(start + HOUR)]


def test_what_is_active_holds_its_slot_to_this_moment(past: Past, reports_db: Database) -> None:
    start = this_hour() - 3 * HOUR
    past.generation(start - DAY, status="running")
    past.generation(start + minutes(30))
    rows = run_report(reports_db, REPORTS["slot_use"], str(start), {"slots": SLOTS}).rows
    assert rows[:3] == (
        hour(start, 2, "1.50", "37.5"),
        hour(start + HOUR, 2, "2.00", "50.0"),
        hour(start + 2 * HOUR, 2, "2.00", "50.0"),
    )
    assert all(row[1:3] == (2, Decimal("2.00")) for row in rows[3:] if row[2] is not None)


def test_days_have_what_happened_in_them(past: Past, asked: Asked) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - 3 * DAY
    past.generation(first - BEFORE, first, "failed")
    past.generation(first, first + minutes(5))
    past.generation(first + minutes(1), first + minutes(6))
    past.generation(first + DAY - BEFORE, first + DAY, "cancelled", user_id=BOB)
    past.event("job_rollback", first - BEFORE)
    past.event("job_rollback", first)
    past.event("rpc_retry_exhausted", first)
    past.event("concurrency_limit_hit", first + 2 * DAY, limit="user", count=5)
    past.event("duplicate_job_detected", first + 3 * DAY - BEFORE)
    past.event("orphaned_job_recovery", first + 2 * DAY)
    past.event("worker_timeout", first + 2 * DAY)
    expected = [
        (f"{first:%F}", 3, 2, 2, 1, 0, Decimal("66.7"), 0, 1, 0, 0),
        (f"{first + DAY:%F}", 0, 0, 0, 0, 1, None, 0, 0, 0, 0),
        (f"{first + 2 * DAY:%F}", 0, 0, 0, 0, 0, None, 6, 0, 1, 1),
    ]
    assert asked("daily_summary", first)[:3] == expected
    assert asked("daily_summary", first + minutes(5))[:3] == expected  # the first day counts whole
    today_row = asked("daily_summary", first)[3]
    assert today_row == (f"{today:%F}", 0, 0, 0, 0, 0, None, 0, 0, 0, 0)
    before = asked("daily_summary", first - 30 * DAY)[0]
    assert before == (f"{first - DAY:%F}", 1, 1, 0, 0, 0, None, 0, 1, 0, 0)

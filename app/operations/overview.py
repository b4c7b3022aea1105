"""What is under way, how fast it goes, and what is wrong: the console's first page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg.rows import DictRow

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.capacity.aging import list_overtaken
from app.generation.queue import QUEUES
from app.operations.doctor import Finding, examine_servers, is_usable, list_problems
from app.operations.listings import compare_slots, list_gauges, read_rows
from app.operations.reports import REPORTS
from app.services import Services

#: How far back causes of failures are counted.
FAILURES_SINCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Overview:
    """All that *Now* shows. `levels` and what follows is None while the database can't be used."""

    findings: list[Finding]
    problems: list[Finding]
    levels: DictRow | None = None
    waiting: list[DictRow] | None = None
    rates: dict[str, DictRow] | None = None
    workers: dict[str, int] | None = None
    webhooks: dict[str, float] | None = None
    slots: list[DictRow] | None = None
    failures: list[DictRow] | None = None
    #: The latest move of a dynamic limit: `value`, `reason` and `changed_s` ago.
    move: DictRow | None = None


def survey(services: Services) -> Overview:
    """The overview. A database that is away is a problem in it, and no error."""
    findings = examine_servers(services)
    problems = list_problems(findings)
    if not is_usable(findings):
        return Overview(findings, problems)
    db = services.db
    with db.connection() as conn:
        levels = only_row(conn.execute(QUERIES["count_levels"]))
        waiting = conn.execute(QUERIES["list_waiting_priorities"]).fetchall()
        rates = {row["name"]: row for row in conn.execute(QUERIES["compare_rates"]).fetchall()}
        since = {"since": datetime.now(UTC) - FAILURES_SINCE}
        is_dynamic = services.settings.global_concurrency_limit is None
        move = conn.execute(QUERIES["find_limit_move"]).fetchone() if is_dynamic else None
        failures = conn.execute(REPORTS["failure_causes"].statement, since).fetchall()
    gauges = {(row["name"], row["label"]): row["value"] for row in list_gauges(services)}
    workers = {queue: int(gauges["workers", queue]) for queue in QUEUES}
    webhooks = {"pending": int(gauges["webhooks", ""]), "oldest_s": gauges["oldest_webhook", ""]}
    slots = compare_slots(services)
    return Overview(findings, problems, levels, waiting, rates, workers, webhooks, slots, failures, move)


def list_workers(services: Services) -> list[DictRow]:
    """Every worker of the last day, whether it lives, and the stages that it has in hand."""
    return read_rows(services.db, "list_workers", stalled=services.settings.stalled_s)


def list_unserved(services: Services) -> list[str]:
    """The queues that no live worker serves."""
    served = {queue for worker in list_workers(services) if worker["is_alive"] for queue in worker["queues"]}
    return [queue for queue in QUEUES if queue not in served]


def list_queue(services: Services, most: int, queues: Sequence[str] = QUEUES) -> list[DictRow]:
    """The first jobs that wait, in the order in which workers fetch them.

    `aged_priority`: what priority aging would give to one whom later ones have overtaken; else None.
    """
    with services.db.connection() as conn:
        jobs = conn.execute(QUERIES["list_waiting_jobs"], {"queues": list(queues), "limit": most}).fetchall()
        helped = {str(row["generation_id"]): row["aged_priority"] for row in list_overtaken(conn)}
    return [{**job, "aged_priority": helped.get(job["generation_id"])} for job in jobs]

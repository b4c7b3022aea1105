"""What must hold when all is quiet again; every check names what it found wrong."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import redis
from psycopg.rows import dict_row

from stack.services import TICK_S, Stack
from stack.soak.harms import Harms
from stack.soak.load import Tally

SETTLED_S = 120.0
SLOTS_S = 20.0
JOBS_S = 60.0
IDLE_S = 5.0
#: What the worker runs at once, and so the most that one harm can hurt.
STAGES_AT_ONCE = 4
#: For stages, upkeep and webhooks; each may have left a row of one that died.
WORKERS = 3

ACTIVE = "select id, status, stage, fence from coursegen.generations where status in ('queued', 'running')"
STAGES = """
    select g.id, g.status from coursegen.generations g
    where g.status = 'completed' and (
        (select array_agg(stage::text order by stage) from coursegen.stage_results where generation_id = g.id)
        is distinct from
        array[
            case when exists (
                select from coursegen.attempts a where a.generation_id = g.id and a.stage = 'DOCUMENT_PROCESSING'
            ) then 'DOCUMENT_PROCESSING' else 'STRUCTURE_ANALYSIS' end,
            'STRUCTURE_GENERATION', 'TEXT_GENERATION', 'FINALIZATION'
        ]
        or (select count(*) from coursegen.drafts where generation_id = g.id)
            is distinct from (select count(*) from coursegen.lessons where generation_id = g.id)
        or not exists (select from coursegen.drafts where generation_id = g.id)
        or not exists (select from coursegen.finished_courses where generation_id = g.id)
    )
"""
TWICE = """
    select generation_id, stage, count(*) from coursegen.attempts where outcome = 'completed'
    group by 1, 2 having count(*) > 1
    union all
    select r.generation_id, r.stage, 0 from coursegen.stage_results r
    left join coursegen.attempts a on a.id = r.attempt_id and a.outcome = 'completed'
    where a.id is null
"""
DISAGREEING = """
    select c.id, c.status as course, g.status as generation
    from courses c
    left join lateral (
        select status::text from coursegen.generations where course_id = c.id order by created_at desc, id desc limit 1
    ) g on true
    where c.status is distinct from g.status
"""
JOBS = """
    select id, queue_name, status::text, args ->> 'generation_id' as generation
    from procrastinate_jobs where status in ('todo', 'doing') and queue_name = 'stages'
"""
#: Upkeep takes no time: what runs for long is of a worker that died, or its end was lost.
LEFT_BEHIND = """
    select j.id, j.task_name, w.last_heartbeat is not null as worker_lives from procrastinate_jobs j
    left join procrastinate_workers w on w.id = j.worker_id and w.last_heartbeat > now() - interval '10 s'
    where j.status = 'doing' and j.queue_name <> 'stages' and (w.id is null or exists (
        select from procrastinate_events e
        where e.job_id = j.id and e.type = 'started' and e.at < now() - interval '10 s'
    ))
"""
IDLE = """
    select pid, xact_start, query from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%%' and pid <> pg_backend_pid()
        and state_change < now() - make_interval(secs => %s)
"""
SIZES = """
    select
        (select count(*) from procrastinate_jobs where status in ('todo', 'doing')) as waiting_jobs,
        (select count(*) from procrastinate_jobs) as jobs,
        (select count(*) from procrastinate_events) as events,
        (select count(*) from procrastinate_workers) as workers,
        (select count(*) from procrastinate_jobs where status = 'failed') as unrecorded,
        (select count(*) from coursegen.generations where status in ('cancelled', 'failed')) as stopped
"""
FAILED = (
    "select id, stage::text, created_at, finished_at, error_message from coursegen.generations where status = 'failed'"
)
COUNTED = """
    select started_at, coalesce(finished_at, now()) as finished_at, outcome::text, error from coursegen.attempts
    where generation_id = %s and stage::text = %s and (outcome in ('failed', 'timeout', 'died') or outcome is null)
"""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold, and everything found that does not."""

    promise: str
    violations: list[str]


class Checks:
    """All of them, once the load has ended; `tend` keeps the service supervised while they wait."""

    def __init__(self, stack: Stack, tally: Tally, harms: Harms, tend: Callable[[], None]) -> None:
        self._stack = stack
        self._tally = tally
        self._harms = harms
        self._tend = tend
        self.facts: dict[str, str] = {}

    def run(self) -> list[Check]:
        """Every check, done. What may take a moment is waited for, with an end."""
        settled = self._until_none(lambda: self._rows(ACTIVE), SETTLED_S, "quiet after")
        return [
            Check("never more active than the limits, system and user", self._tally.over),
            Check("every generation terminal", settled),
            Check("slots in Redis equal PostgreSQL", self._until_none(self._drift, SLOTS_S, "slots equal after")),
            Check("no job of a stage left", self._until_none(lambda: self._rows(JOBS), JOBS_S, "jobs gone after")),
            Check("no job of upkeep left running", self._until_none(lambda: self._rows(LEFT_BEHIND), JOBS_S, "")),
            Check("what was answered with 200 exists", self._lost()),
            Check("what was cancelled stays cancelled", self._uncancelled()),
            Check("results of every stage of what is completed", _words(self._rows(STAGES))),
            Check("results once", _words(self._rows(TWICE))),
            Check("courses say what their generations say", _words(self._rows(DISAGREEING))),
            Check("nothing idle in a transaction", _words(self._rows(IDLE, [IDLE_S]))),
            Check("tables bounded", self._unbounded()),
            Check("every failure explained by three deaths", self._unexplained()),
        ]

    def statuses(self) -> Counter[str]:
        """How many generations ended how."""
        found = self._rows("select status::text, count(*) as n from coursegen.generations group by 1")
        return Counter({row["status"]: row["n"] for row in found})

    def _rows(self, query: str, values: list[object] | None = None) -> Rows:
        with psycopg.connect(self._stack.database_url, row_factory=dict_row, connect_timeout=3) as conn:
            return conn.execute(query, values).fetchall()

    def _until_none(self, find: Callable[[], Rows], within_s: float, fact: str) -> list[str]:
        began = time.monotonic()
        while True:
            self._tend()
            try:
                found = find()
            except (psycopg.OperationalError, redis.RedisError) as error:
                found = [{"error": str(error)}]
            seconds = time.monotonic() - began
            if not found or seconds > within_s:
                if fact:
                    self.facts[fact] = f"{seconds:.1f} s"
                return _words(found)
            time.sleep(TICK_S)

    def _drift(self) -> Rows:
        active = Counter(
            str(row["user_id"])
            for row in self._rows("select user_id from coursegen.generations where status in ('queued', 'running')")
        )
        active["global"] = active.total()
        proposed: Counter[str] = Counter()
        with redis.Redis.from_url(self._stack.redis_url, socket_timeout=2, decode_responses=True) as client:
            for key in client.scan_iter("concurrency:*", _type="zset"):
                name = str(key).removeprefix("concurrency:").removeprefix("user:").removesuffix(":numbers")
                proposed[name] = max(proposed[name], int(client.zcard(key)))
        return [
            {"holder": name, "postgresql": active[name], "redis": proposed[name]}
            for name in sorted(active.keys() | proposed.keys())
            if active[name] != proposed[name]
        ]

    def _lost(self) -> list[str]:
        known = {row["id"] for row in self._rows("select id from coursegen.generations")}
        return [str(lost) for lost in sorted(self._tally.admitted - known)]

    def _uncancelled(self) -> list[str]:
        states = {row["id"]: row["status"] for row in self._rows("select id, status::text from coursegen.generations")}
        return [f"{name}: {states.get(name)}" for name in self._tally.cancelled if states.get(name) != "cancelled"]

    def _unbounded(self) -> list[str]:
        [size] = self._rows(SIZES)
        self.facts["rows of the queue"] = ", ".join(f"{size[name]} {name}" for name in ("jobs", "events", "workers"))
        # Kept for a week: jobs that were cancelled, and those of runs that could not be recorded.
        kept = size["stopped"] + size["unrecorded"]
        bounds = {
            "waiting_jobs": 12,
            "workers": 2 * WORKERS,
            "unrecorded": STAGES_AT_ONCE * len(self._harms.struck),
            "jobs": 12 + kept,
            "events": 8 * (12 + kept),
        }
        return [f"{size[name]} {name}, not {most}" for name, most in bounds.items() if size[name] > most]

    def _unexplained(self) -> list[str]:
        found = []
        for row in self._rows(FAILED):
            starts = self._rows(COUNTED, [row["id"], row["stage"]])
            died = [start for start in starts if start["outcome"] in ("died", None)]
            struck = [list(self._harms.during(start["started_at"], start["finished_at"])) for start in died]
            if len(starts) < 3 or len(died) < len(starts) or not all(struck):
                told = "; ".join(f"{start['outcome']}: {start['error']}" for start in starts)
                found.append(f"{row['id']} at {row['stage']}: {row['error_message']} [{told}]")
        return found


def _words(rows: Rows) -> list[str]:
    return [", ".join(f"{name}={value}" for name, value in row.items()) for row in rows]

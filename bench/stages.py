"""Empty stages through one worker process, in turn with a BullMQ worker of the same reads and progress writes."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from app.generation.admission.starting import start
from uuid_utils.compat import uuid7

from app.database.pool import Database
from app.generation.admission.requests import Order, Wish
from app.generation.callers import Caller
from app.generation.tiers import Tier
from bench import node
from bench.courses import Ready, create_courses
from bench.figures import BenchError, Figure, Section, Size, at_least, over_rounds, ratio
from bench.handlers import EMPTY
from bench.machine import tree_cpu_s
from bench.rounds import wal_kb
from bench.stand import NO_LIMIT, Stand
from bench.tools import ToolMissing
from bench.waiting import wait_until
from tasks.supervision.supervisor import Command

CONCURRENCY = 4
#: Of a course with documents.
STAGES = 4
PATIENCE_S = 120.0
#: Between looks at the courses: rarely enough not to be measured with the stages.
TICK_S = 0.05

HOW = (
    f"Generations of courses with two documents are queued in one transaction for a worker that waits: one process,"
    f" `procrastinate --app=tasks.app worker` at concurrency {CONCURRENCY}, whose handlers do next to nothing; upkeep"
    f" runs beside it as in production. Each has {STAGES} stages. The time is PostgreSQL's own, from the first start of"
    " a second step to the last end of a fifth, as the courses' progress has them. Each stage also writes its results,"
    " its attempt and the generation's state, in one transaction with its step and the next stage's job."
)
HOW_OTHER = (
    "The BullMQ worker (`bench/peer/worker.mjs`: one Node process at the same concurrency) runs the same courses in"
    " turn. It reads the course and what the stages before have stored, the same rows, moves the same steps with the"
    " same SQL functions, and adds the next stage's job to Redis; it stores no results, attempts or states."
)

COUNT_UNFINISHED = """
select count(*) from courses
where id = any(%s) and generation_progress #>> '{steps,4,status}' is distinct from 'completed'
"""
READ_TIMES = """
select extract(epoch from
    max((generation_progress #>> '{steps,4,completed_at}')::timestamptz)
    - min((generation_progress #>> '{steps,1,started_at}')::timestamptz)
)::float8
from courses where id = any(%s)
"""


@dataclass(slots=True)
class Rates:
    """What one worker reached in each round; for a stage the processor time of its trees in ms, and its WAL in kB."""

    name: str
    trees: Mapping[str, int]
    stages: list[float] = field(default_factory=list)
    cpu_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wal_kb: list[float] = field(default_factory=list)

    def figures(self) -> list[Figure]:
        costs = [over_rounds(f"{self.name}, CPU of {tree}", spent, "ms") for tree, spent in self.cpu_ms.items()]
        return [over_rounds(self.name, self.stages, "/s"), *costs, over_rounds(f"{self.name}, WAL", self.wal_kb, "kB")]


def bench(size: Size, tell: Callable[[str], None]) -> list[Section]:
    """Empty stages a second, beside the other stack's where Node is there."""
    with Stand() as stand, psycopg.connect(stand.database_url, autocommit=True) as conn:
        stand.start_workers(WORKER_CONCURRENCY=str(CONCURRENCY), **EMPTY)
        ours, other, how = Rates("empty stages", stand.trees("worker")), None, f"{HOW}\n\n{HOW_OTHER}"
        try:
            _start_other(stand)
            other = Rates("empty stages, BullMQ", stand.trees("bullmq"))
        except ToolMissing as error:
            how = f"{HOW} The BullMQ worker is not measured: {error}."
            tell(f"the BullMQ worker is not measured: {error}")
        tell(f"empty stages, {size.rounds} rounds of {STAGES * size.staged} after a warm-up round")
        for number in range(size.rounds + 1):
            tell(f"round {number}" if number else "warm-up")
            courses = create_courses(stand.database_url, stand.secret, size.staged)
            generations = [uuid7() for _ in courses]
            with _measured(ours, conn, courses, number, tell):
                _admit(stand, courses, generations)
            if other is not None:
                _start_again(conn, courses)
                with _measured(other, conn, courses, number, tell):
                    _add_jobs(stand, courses, generations)
    figures = ours.figures()
    if other is not None:
        others = other.figures()
        kept = ratio("empty stages a second, to BullMQ's", figures[0], others[0], at_least(0.7, 1))
        figures = [kept, *figures, *others]
    return [Section(f"Empty stages at concurrency {CONCURRENCY}", how, figures)]


@contextmanager
def _measured(
    rates: Rates, conn: psycopg.Connection[Any], courses: list[Ready], number: int, tell: Callable[[str], None]
) -> Iterator[None]:
    """What is inside queues the courses; what the worker then reaches is noted, unless the round does not count."""
    before, logged = {tree: tree_cpu_s(pid) for tree, pid in rates.trees.items()}, wal_kb(conn)
    yield
    rate = _rate(conn, courses)
    count = STAGES * len(courses)
    tell(f"  {rates.name}: {rate:.0f}/s")
    if number:
        rates.stages.append(rate)
        for tree, pid in rates.trees.items():
            rates.cpu_ms[tree].append(1000 * (tree_cpu_s(pid) - before[tree]) / count)
        rates.wal_kb.append((wal_kb(conn) - logged) / count)


def _start_other(stand: Stand) -> None:
    script = node.peer_folder() / "worker.mjs"
    log = stand.folder / "bullmq.log"
    environment = stand.environment(WORKER_CONCURRENCY=str(CONCURRENCY))
    stand.start(Command("bullmq", ["node", str(script)], environment, log))
    stand.wait_until(lambda: log.exists() and "ready" in log.read_text(errors="replace"), "bullmq")


def _admit(stand: Stand, courses: list[Ready], generations: list[UUID]) -> None:
    """Every course is admitted at the same moment, under these ids."""
    db = Database(stand.database_url, pool_size=1)
    try:
        with db.transaction() as conn:
            for generation_id, course in zip(generations, courses, strict=True):
                wish = Wish(generation_id, Caller(course.user_id, Tier.FREE), Order(course.course_id))
                start(wish, None, NO_LIMIT, conn)
    finally:
        db.close()


def _start_again(conn: psycopg.Connection[Any], courses: list[Ready]) -> None:
    """The courses stand where an admission leaves them."""
    ids = [course.course_id for course in courses]
    conn.execute("select coursegen.reset_course_progress(id) from courses where id = any(%s)", [ids])
    conn.execute("select update_course_progress(id, 1, 'completed', '') from courses where id = any(%s)", [ids])


def _add_jobs(stand: Stand, courses: list[Ready], generations: list[UUID]) -> None:
    """The other stack's queue has a job for each course."""
    jobs = [
        {"courseId": str(course.course_id), "userId": str(course.user_id), "generationId": str(generation_id)}
        for course, generation_id in zip(courses, generations, strict=True)
    ]
    script = node.peer_folder() / "enqueue.mjs"
    done = subprocess.run(
        ["node", str(script)],
        input=json.dumps(jobs),
        env=stand.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"the jobs were not added: {done.stderr.strip()[-2000:]}")


def _rate(conn: psycopg.Connection[Any], courses: list[Ready]) -> float:
    """Stages a second, once all courses are completed. Raises `BenchError`."""
    ids = [course.course_id for course in courses]
    wait_until(
        lambda: conn.execute(COUNT_UNFINISHED, [ids]).fetchone() == (0,),
        PATIENCE_S,
        f"the {len(ids)} courses were not completed",
        TICK_S,
    )
    row = conn.execute(READ_TIMES, [ids]).fetchone()
    assert row is not None
    seconds: float = row[0]
    return STAGES * len(courses) / seconds

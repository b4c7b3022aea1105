"""Kills the workers of stacks while they run generations, starts others, and counts what is completed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.environment.conditions import wait_until
from bench.environment.stage_handlers import SLOW_S
from bench.environment.statements import SQL
from bench.load.ready_courses import create_courses
from bench.measures.workers.stage_rounds import STAGES, StartedStack, count_ended
from bench.peers.stack import StartedWorker
from bench.reporting.figures import Size

#: The share of the stages that have ended when the worker is killed.
KILLED_AT = 0.25
PATIENCE_S = 120.0
#: Between looks at the courses.
TICK_S = 0.1

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Completed generations and all of them, and the seconds from the kill to the last end of a stage."""

    completed: int
    generations: int
    seconds: float

    def __str__(self) -> str:
        stuck = self.generations - self.completed
        return f"{stuck} of {self.generations} stuck" if stuck else f"all completed in {self.seconds:.0f} s"


@dataclass(slots=True)
class _Run:
    """Generations of a stack since its worker was killed at `killed_at`."""

    name: str
    ids: Mapping[str, Sequence[object]]
    worker: StartedWorker
    ended: int
    killed_at: float = field(default_factory=time.monotonic)
    last_end: float = field(default_factory=time.monotonic)

    def is_over(self, conn: Connection, patience_s: float) -> bool:
        """Whether all stages have ended, or none has for so long."""
        if (ended := count_ended(conn, self.ids)) > self.ended:
            self.ended, self.last_end = ended, time.monotonic()
        return ended == STAGES * len(self.ids["ids"]) or time.monotonic() - self.last_end > patience_s

    def recovery(self, conn: Connection) -> Recovery:
        row = conn.execute(SQL["count_completed_courses"], self.ids).fetchone()
        assert row is not None
        return Recovery(row[0], len(self.ids["ids"]), self.last_end - self.killed_at)


def kill_workers(stacks: Sequence[StartedStack], size: Size, log: Callable[[str], None]) -> list[Recovery]:
    """Returns what became of each stack's generations, once none has moved for `size.patience_s`.

    The workers are killed one after another, and the stacks then recover at the same time.
    """
    runs: list[_Run] = []
    with psycopg.connect(stacks[0].stand.database_url, autocommit=True) as conn:
        try:
            for started in stacks:
                runs.append(_kill(started, conn, size))
            waiting = list(runs)
            while waiting := [run for run in waiting if not run.is_over(conn, size.patience_s)]:
                time.sleep(TICK_S)
            recoveries = [run.recovery(conn) for run in runs]
        finally:
            for run in runs:
                run.worker.stop()
    for run, recovery in zip(runs, recoveries, strict=True):
        log(f"{run.name}: {recovery}")
    return recoveries


def _kill(started: StartedStack, conn: Connection, size: Size) -> _Run:
    """Its worker runs some stages and is killed, and another one starts."""
    stack, stand = started.stack, started.stand
    courses = create_courses(stand.database_url, stand.secret, size.killed)
    ids = {"ids": [course.course_id for course in courses]}
    enough = KILLED_AT * STAGES * len(courses)
    started.admit(courses, {})
    worker = stack.start_worker(stand, SLOW_S)
    try:
        wait_until(lambda: count_ended(conn, ids) >= enough, PATIENCE_S, f"{stack.name} ran too few stages")
    finally:
        worker.kill()
    ended = count_ended(conn, ids)
    return _Run(stack.name, ids, stack.start_worker(stand, SLOW_S), ended)

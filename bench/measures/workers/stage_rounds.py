"""Rounds of empty stages, in turn on several stacks."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from bench.environment.conditions import wait_until
from bench.environment.machine import tree_cpu_s
from bench.environment.stand import Stand
from bench.environment.statements import SQL
from bench.load.python_generator import send_all
from bench.load.ready_courses import Ready, create_courses
from bench.load.rounds import wal_kb
from bench.peers.stack import Stack
from bench.reporting.figures import BenchError, Figure, Size, over_rounds

#: Of a course with documents.
STAGES = 4
PATIENCE_S = 120.0
#: Between looks at the courses: rarely enough not to be measured with the stages.
TICK_S = 0.05

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class StageRounds:
    """Rates of one stack; of a stage, the processor time of its trees in ms and the WAL in kB."""

    name: str
    stages: list[float] = field(default_factory=list)
    cpu_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wal_kb: list[float] = field(default_factory=list)

    def rate(self) -> Figure:
        return over_rounds(self.name, self.stages, "/s")

    def figures(self) -> list[Figure]:
        costs = [over_rounds(f"{self.name}, CPU of {tree}", spent, "ms") for tree, spent in self.cpu_ms.items()]
        return [self.rate(), *costs, over_rounds(f"{self.name}, WAL", self.wal_kb, "kB")]


class StartedStack:
    """A stack whose API runs on the stand."""

    def __init__(self, stack: Stack, stand: Stand) -> None:
        self.stack, self.stand = stack, stand
        self.port = stack.start_api(stand)

    def admit(self, courses: Sequence[Ready], generations: Mapping[UUID, UUID]) -> None:
        """Its API admits every course. Raises `BenchError`."""
        requests = [self.stack.request(course, generations.get(course.course_id)) for course in courses]
        statuses = send_all(self.port, requests).statuses
        if set(statuses) != {200}:
            raise BenchError(f"{self.stack.name}: expected nothing but 200, got {dict(statuses)}")


def run_stages(stacks: Mapping[str, StartedStack], size: Size, log: Callable[[str], None]) -> list[StageRounds]:
    """Returns the rounds of each stack by the name of its figures; the first round is a warm-up.

    In a round all stacks run the same courses. The service is first: the Node stack reads what its stages have stored.
    """
    stand = next(iter(stacks.values())).stand
    done = {name: StageRounds(name) for name in stacks}
    with psycopg.connect(stand.database_url, autocommit=True) as conn, ExitStack() as workers:
        started = {name: each.stack.start_worker(stand) for name, each in stacks.items()}
        for worker in started.values():
            workers.callback(worker.stop)
        for number in range(size.rounds + 1):
            courses = create_courses(stand.database_url, stand.secret, size.staged)
            ids = {"ids": [course.course_id for course in courses]}
            for name, each in stacks.items():
                with started[name].paused():
                    conn.execute(SQL["reset_progress"], ids)
                    each.admit(courses, dict(conn.execute(SQL["find_generations"], ids).fetchall()))
                    trees = stand.trees(each.stack.worker_name)
                    before, logged = {tree: tree_cpu_s(pid) for tree, pid in trees.items()}, wal_kb(conn)
                rate = _wait_for_rate(conn, ids, each.stack.name)
                log(f"{f'round {number}' if number else 'warm-up'}: {name}: {rate:.0f}/s")
                if number:
                    total = STAGES * len(courses)
                    done[name].stages.append(rate)
                    for tree, pid in trees.items():
                        done[name].cpu_ms[tree].append(1000 * (tree_cpu_s(pid) - before[tree]) / total)
                    done[name].wal_kb.append((wal_kb(conn) - logged) / total)
    return list(done.values())


def _wait_for_rate(conn: Connection, ids: dict[str, list[UUID]], name: str) -> float:
    """Returns the stages a second, once all have ended. Raises `BenchError`."""
    total = STAGES * len(ids["ids"])
    wait_until(lambda: count_ended(conn, ids) == total, PATIENCE_S, f"{name} did not complete {total} stages", TICK_S)
    row = conn.execute(SQL["read_seconds"], ids).fetchone()
    assert row is not None
    seconds: float = row[0]
    return total / seconds


def count_ended(conn: Connection, ids: Mapping[str, object]) -> int:
    """How many stages of these courses have ended."""
    row = conn.execute(SQL["count_ended"], ids).fetchone()
    assert row is not None
    count: int = row[0]
    return count

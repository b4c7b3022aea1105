"""`memory`: memory of API and workers while idle, and its growth under a long load."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import psutil
import psycopg

from bench.environment.conditions import nothing_is_active, wait_until
from bench.environment.stage_handlers import EMPTY
from bench.environment.stand import Stand
from bench.environment.statements import SQL
from bench.load.python_generator import request_bytes, send_all
from bench.load.ready_courses import Ready, create_courses, read_tag
from bench.reporting.figures import BenchError, Figure, Section, Size, below

API_BELOW_MIB = 150.0
WORKER_BELOW_MIB = 250.0
#: Two measurements of the same differ by this much.
NOISE_MIB = 2.0

#: Generations that run at once.
BATCH = 50

#: Jobs of a generation.
STAGES = 4

PATIENCE_S = 60.0
#: Between looks at memory that settles.
TICK_S = 0.25
#: Memory is settled once it differs by less than this over so many looks.
TICKS = 4
STEADY_MIB = 0.3

HOW_IDLE = (
    "PSS (each process counts its share of shared memory) of whole process trees, once it is steady: the API after a"
    " first request, the stages' worker with its pool of handlers, and the upkeep's worker. Settings as shipped."
)
HOW_GROWTH = (
    "The same trees after a warm-up as long as the load, and after the load. Requests are admissions, polls, refusals"
    " and errors over 16 connections; generations run through all stages with handlers that do next to nothing."
)


@dataclass(frozen=True, slots=True)
class Idle:
    """PSS in MiB."""

    api: float
    worker: float
    upkeep: float


@dataclass(frozen=True, slots=True)
class Growth:
    """MiB after the warm-up and after the load, and the length of each."""

    api: tuple[float, float]
    worker: tuple[float, float]
    upkeep: tuple[float, float]
    requests: int
    generations: int


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Memory while idle, and what a long load adds."""
    idle = measure_idle(log)
    growth = measure_growth(*size.remembered, log)
    grown = {
        f"memory the API gains by {growth.requests:,} requests": growth.api,
        f"memory the stages' worker gains by {growth.generations * STAGES:,} jobs": growth.worker,
        "memory the upkeep's worker gains meanwhile": growth.upkeep,
    }
    return [
        Section(
            "Memory while idle",
            HOW_IDLE,
            [
                Figure("memory of the idle API", idle.api, "MiB", below(API_BELOW_MIB)),
                Figure("memory of the idle stages' worker and its pool", idle.worker, "MiB", below(WORKER_BELOW_MIB)),
                Figure("memory of the idle upkeep's worker", idle.upkeep, "MiB", below(WORKER_BELOW_MIB)),
            ],
        ),
        Section(
            "Growth of memory",
            HOW_GROWTH,
            [Figure(name, after - before, "MiB", below(NOISE_MIB)) for name, (before, after) in grown.items()],
        ),
    ]


def measure_idle(log: Callable[[str], None]) -> Idle:
    """Memory of the service as shipped, without work."""
    with Stand() as stand:
        port = stand.start_api()
        stand.start_workers()
        [course] = create_courses(stand.database_url, stand.secret, 1)
        read_tag(port, course)
        idle = Idle(*(settled_mib(stand.pid(name)) for name in ("api", "worker", "upkeep")))
    log(f"idle: API {idle.api:.0f} MiB, worker {idle.worker:.0f} MiB, upkeep {idle.upkeep:.0f} MiB")
    return idle


def measure_growth(requests: int, generations: int, log: Callable[[str], None]) -> Growth:
    """What the load adds after a warm-up of the same length. Raises `BenchError`."""
    with Stand() as stand:
        port = stand.start_api()
        stand.start_workers(**EMPTY)
        courses = create_courses(stand.database_url, stand.secret, 2 * generations)
        trees = {name: stand.pid(name) for name in ("api", "worker", "upkeep")}
        rest = max(0, requests // generations - 1)
        each, sizes = generations * (rest + 1), []
        for start in (0, generations):
            _load(stand, port, courses[start : start + generations], rest)
            sizes.append({name: settled_mib(pid) for name, pid in trees.items()})
            log(f"after {each:,} more requests and {generations:,} generations: {_shown(sizes[-1])}")
        if any(stand.pid(name) != pid for name, pid in trees.items()):
            raise BenchError("a process was replaced while it was measured")
    before, after = sizes
    pairs = {name: (before[name], after[name]) for name in trees}
    return Growth(**pairs, requests=each, generations=generations)


def settled_mib(pid: int) -> float:
    """PSS of the process and its descendants in MiB, once it is steady. Raises `BenchError`."""
    last: list[float] = []

    def is_steady() -> bool:
        last.append(pss_mib(pid))
        steps = pairwise(last[-1 - TICKS :])
        return len(last) > TICKS and all(abs(after - before) < STEADY_MIB for before, after in steps)

    wait_until(is_steady, PATIENCE_S, f"the memory of process {pid} did not settle", TICK_S)
    return last[-1]


def pss_mib(pid: int) -> float:
    """PSS of the process and its descendants in MiB."""
    top = psutil.Process(pid)
    total = 0
    for process in [top, *top.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 2**20


def _load(stand: Stand, port: int, courses: list[Ready], rest: int) -> None:
    """Generates each course, with `rest` other requests for each."""
    with psycopg.connect(stand.database_url, autocommit=True) as conn:
        for start in range(0, len(courses), BATCH):
            batch = courses[start : start + BATCH]
            answered = send_all(port, [course.generate for course in batch]).statuses
            if answered != Counter({200: len(batch)}):
                raise BenchError(f"expected nothing but 200, got {dict(answered)}")
            send_all(port, [_other(course, number) for course in batch for number in range(rest)])
            wait_until(lambda: nothing_is_active(conn), PATIENCE_S, "generations were not over")
        done = conn.execute(SQL["count_completed"]).fetchone()
        if done is None or done[0] < len(courses):
            raise BenchError(f"of {len(courses)} generations {done} were completed")


def _other(course: Ready, number: int) -> bytes:
    """A request that starts nothing: a poll, a refusal or an error."""
    match number % 6:
        case 0:
            return course.generate
        case 1:
            return request_bytes("POST", "/api/coursegen/generate", course.authorization, b'{"courseId": 5}')
        case 2:
            return request_bytes("GET", f"/api/courses/{course.slug}/check-status", {"Authorization": "Bearer x.y.z"})
        case 3:
            return request_bytes("GET", f"/nowhere/{course.slug}", {"X-Request-ID": course.slug})
        case _:
            return course.poll('"none"')


def _shown(sizes: dict[str, float]) -> str:
    return ", ".join(f"{name} {mib:.1f} MiB" for name, mib in sizes.items())

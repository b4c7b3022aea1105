"""`growth`: admissions and the next job with a million courses and a long queue, in turn with next to none."""

import asyncio
import time
from collections.abc import Callable

import psycopg
from procrastinate import App, PsycopgConnector

from app.database.migrations import migrate
from app.generation.queue import STAGES_QUEUE
from bench.environment.stand import Stand
from bench.load.crowd import Crowd
from bench.load.generators import best_generator
from bench.load.python_generator import send_all
from bench.load.ready_courses import create_courses
from bench.load.rounds import Lane, take_turns
from bench.measures.requests.admissions import WARM_UP, admitting
from bench.reporting.figures import (
    BenchError,
    Figure,
    Section,
    Size,
    Target,
    at_least,
    below,
    over_rounds,
    percentile,
    ratio,
)

FETCH_MS = 5.0
#: Two runs of the same differ by this factor.
FLAT = 1.25

HOW_ADMISSIONS = (
    "Two databases of one PostgreSQL server, an API with its default settings and a database of Redis for each,"
    " admissions as above in turn. In the full one {crowd:,} courses have a completed generation each and {queued:,}"
    " of them wait in the queue with a second one; each round adds to it. No upkeep runs, so the API itself compares"
    " the slots in Redis with all active generations."
)
HOW_FETCHES = (
    "Procrastinate's own call for the next job of the stages' queue, one after another on one connection, in turn on"
    " the full database and on one with just the jobs that are fetched. The time includes Python. No worker runs, and"
    " fetched jobs stay marked as running."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Admissions into a full database and jobs out of a long queue, each beside the same with next to none."""
    with Stand() as stand:
        full, short = (_database(stand, name) for name in ("full", "short"))
        log(f"filling a database with {size.crowd:,} courses, {size.queued:,} of them waiting")
        Crowd(full).add_finished(size.crowd, size.queued)
        log(f"admissions into an empty and a full database, {size.rounds} rounds of {size.requests} each")
        lanes = [
            admitting("admissions, empty database", stand, stand.start_api(), size, "api", lambda each: each.generate),
            _admitting_into(full, stand, size),
        ]
        empty_rounds, full_rounds = take_turns(lanes, size, log)
        log(f"fetching, {size.rounds} rounds of {size.fetches} from a short and a long queue")
        fetches = size.fetches * (size.rounds + 1)
        Crowd(short).add_finished(fetches, fetches)
        from_short, from_full = asyncio.run(_fetch_in_turn([short, full], size))
    empty, full_rate = empty_rounds.rate(), full_rounds.rate()
    kept = ratio("admissions a second, full database to empty", full_rate, empty, at_least(0.8, 0.95))
    figures = [kept, *empty_rounds.figures(), *full_rounds.figures()]
    how = f"{HOW_ADMISSIONS.format(crowd=size.crowd, queued=size.queued)} Loaded by {best_generator().name}."
    p95 = _latency("the next job, short queue", from_short, 0.95).value
    return [
        Section("Admissions into a full database", how, figures),
        Section(
            "Fetching the next job",
            HOW_FETCHES,
            [
                _latency("the next job, long queue", from_full, 0.95, below(FETCH_MS, min(FETCH_MS, FLAT * p95))),
                _latency("the next job, long queue", from_full, 0.50),
                _latency("the next job, short queue", from_short, 0.95),
                _latency("the next job, short queue", from_short, 0.50),
            ],
        ),
    ]


def _database(stand: Stand, name: str) -> str:
    url = stand.postgres.create_database(name)
    migrate(url)
    return url


def _admitting_into(database_url: str, stand: Stand, size: Size) -> Lane:
    redis_url = stand.redis_url.removesuffix("/0") + "/1"
    port = stand.start_api("api-full", DATABASE_URL=database_url, REDIS_URL=redis_url)
    fresh = iter(create_courses(database_url, stand.secret, (size.rounds + 1) * (size.requests + WARM_UP)))

    def prepare() -> list[bytes]:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("checkpoint")
        send_all(port, [next(fresh).generate for _ in range(WARM_UP)])
        return [next(fresh).generate for _ in range(size.requests)]

    return Lane("admissions, full database", port, 200, prepare, stand.trees("api-full"), database_url)


async def _fetch_in_turn(urls: list[str], size: Size) -> list[list[list[float]]]:
    """Milliseconds of each fetch, by database and by round without the first."""
    rounds: list[list[list[float]]] = [[] for _ in urls]
    for number in range(size.rounds + 1):
        for url, kept in zip(urls, rounds, strict=True):
            latencies = await _fetch(url, size.fetches)
            if number:
                kept.append(latencies)
    return rounds


async def _fetch(url: str, count: int) -> list[float]:
    latencies = []
    async with App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=1)).open_async() as app:
        worker_id = await app.job_manager.register_worker()
        for _ in range(count):
            began = time.perf_counter()
            job = await app.job_manager.fetch_job(queues=[STAGES_QUEUE], worker_id=worker_id)
            latencies.append((time.perf_counter() - began) * 1000)
            if job is None:
                raise BenchError("the queue was empty")
    return latencies


def _latency(name: str, rounds: list[list[float]], share: float, target: Target | None = None) -> Figure:
    values = [percentile(latencies, share) for latencies in rounds]
    return over_rounds(f"{name}, p{share * 100:.0f}", values, "ms", target)

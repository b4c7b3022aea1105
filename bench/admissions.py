"""Admissions: every request starts a generation of another course by another user."""

from collections.abc import Callable, Iterator

from bench.courses import Ready, create_courses
from bench.figures import Section, Size
from bench.load import CONNECTIONS, request_bytes, send_all
from bench.rounds import generator_share, measure, rate_and_latency
from bench.stand import Stand

WARM_UP = 100
P95_MS = 50.0

HOW = (
    f"`python -m app.server` with its default settings and no worker; {CONNECTIONS} keep-alive connections on loopback,"
    " each sending its next request when the last is answered. Every request is another user's for another course of"
    " two documents; tokens and courses are made before. Between rounds generations, jobs and events are truncated,"
    " Redis is emptied and a checkpoint is made, so every round starts cold on disk; the connections and caches of the"
    " API are then warmed by requests that do not count. A latency runs from sending to the answer's last byte."
    " Load generator, API, PostgreSQL and Redis share the machine's cores."
)
HOW_CEILING = (
    "The same generator and connections against `/livez`, which asks no server: what Flask and the generator reach"
    " together. The generator's share of a core while it admits shows how little of the figures above is its own."
)


def bench(size: Size, tell: Callable[[str], None]) -> list[Section]:
    """Admissions, and what the generator reaches without them."""
    with Stand() as stand:
        port = stand.start_api()
        count = (size.rounds + 1) * (size.requests + WARM_UP)
        batches = _batches(stand, port, create_courses(stand.database_url, stand.secret, count), size)
        tell(f"admissions, {size.rounds} rounds of {size.requests} after a warm-up round")
        rounds = measure(port, batches, 200, tell)[1:]
        tell("the generator against /livez")
        probes = iter([[request_bytes("GET", "/livez", {})] * size.requests] * 3)
        ceiling = measure(port, probes, 200, tell)
    own = generator_share(rounds)
    return [
        Section("Admissions", HOW, rate_and_latency(rounds, P95_MS)),
        Section("The load generator's ceiling", HOW_CEILING, [*rate_and_latency(ceiling)[:2], own]),
    ]


def _batches(stand: Stand, port: int, courses: list[Ready], size: Size) -> Iterator[list[bytes]]:
    for _ in range(size.rounds + 1):
        stand.clear()
        warm_up, courses = courses[:WARM_UP], courses[WARM_UP:]
        send_all(port, [course.generate for course in warm_up])
        measured, courses = courses[: size.requests], courses[size.requests :]
        yield [course.generate for course in measured]

"""Admissions, in turn with the stack this service replaces: every request starts another user's other course."""

from collections.abc import Callable, Iterator

from bench import load, node
from bench.courses import Ready, create_courses
from bench.figures import Section, Size, at_least, below, ratio
from bench.generators import best_generator
from bench.load import CONNECTIONS
from bench.rounds import Lane, take_turns
from bench.stand import Stand
from bench.tools import ToolMissing

WARM_UP = 100
P95_MS = 50.0
#: As the API is shipped.
PROCESSES = 2

HOW = (
    f"`python -m app.server` with its default settings and no worker; {CONNECTIONS} keep-alive connections on loopback,"
    " each sending its next request when the last is answered. Every request is another user's for another course of"
    " two documents; tokens and courses are made before. Before each round generations, jobs and events are truncated,"
    " Redis is emptied and a checkpoint is made, so every round starts cold on disk; the connections and caches of the"
    " service are then warmed by requests that do not count. A latency runs from sending to the answer's last byte. CPU"
    " is that of whole process trees. Load generator, service, PostgreSQL and Redis share the machine's cores."
)
HOW_OTHER = (
    "The Node stack (`bench/peer/api.mjs`: tRPC and Express, BullMQ, two counters in Redis, pg) does the same job with"
    " the same number of processes on the same PostgreSQL and Redis, round by round in turn: the same checks, the"
    " course read, its slots taken by a Lua script, the job added to Redis, the first step completed in PostgreSQL. It"
    " inserts no generation, and job and course are not written in one transaction. Both log a line per admission. A"
    " ratio is that of the medians; over the rounds, that of each pair."
)


def bench(size: Size, tell: Callable[[str], None]) -> list[Section]:
    """Admissions a second and their latency, beside the other stack's where Node is there."""
    with Stand() as stand:
        lanes = [_ours(stand, size)]
        try:
            lanes.append(_other(stand, size))
        except ToolMissing as error:
            without = f"The Node stack is not measured: {error}."
            tell(without)
        tell(f"admissions, {size.rounds} rounds of {size.requests} after a warm-up round")
        ours, *others = take_turns(lanes, size, tell)
    how = f"{HOW} Loaded by {best_generator().name}."
    figures = ours.figures(p95=below(P95_MS))
    if not others:
        return [Section("Admissions", f"{how} {without}", figures)]
    [other] = others
    ratios = [
        ratio("admissions a second, to the Node stack's", ours.rate(), other.rate(), at_least(1.5, 2)),
        ratio("admissions' p95, to the Node stack's", ours.latency("p95"), other.latency("p95"), below(0.6, 0.5)),
    ]
    figures = [*ratios, *figures, *other.figures()]
    return [Section("Admissions", f"{how}\n\n{HOW_OTHER} {node.versions()}.", figures)]


def _ours(stand: Stand, size: Size) -> Lane:
    port = stand.start_api(API_PROCESSES=str(PROCESSES))
    return admitting("admissions", stand, port, size, "api", lambda course: course.generate)


def _other(stand: Stand, size: Size) -> Lane:
    port = stand.serve("peer", ["node", str(node.peer_folder() / "api.mjs")], WORKERS=str(PROCESSES))
    return admitting("admissions, the Node stack", stand, port, size, "peer", lambda course: course.initiate)


def admitting(name: str, stand: Stand, port: int, size: Size, command: str, request: Callable[[Ready], bytes]) -> Lane:
    """Admissions by that command of the stand, each round into empty tables."""
    count = (size.rounds + 1) * (size.requests + WARM_UP)
    fresh: Iterator[Ready] = iter(create_courses(stand.database_url, stand.secret, count))

    def prepare() -> list[bytes]:
        stand.clear()
        load.send_all(port, [request(next(fresh)) for _ in range(WARM_UP)])
        return [request(next(fresh)) for _ in range(size.requests)]

    return Lane(name, port, 200, prepare, stand.trees(command), stand.database_url)

"""`admissions`: every request starts another user's other course, in turn with the same by two other stacks."""

from collections.abc import Callable, Iterator

from bench.environment.debian_tools import ToolMissing
from bench.environment.stand import Stand
from bench.load.generators import best_generator
from bench.load.python_generator import CONNECTIONS, send_all
from bench.load.ready_courses import Ready, create_courses
from bench.load.rounds import Lane, Rounds, take_turns
from bench.peers.node_stack import find_node_stack, node_versions
from bench.peers.python_stacks import find_taskiq_stack, python_versions
from bench.peers.stack import PROCESSES, Service, Stack
from bench.reporting.figures import Figure, Section, Size, at_least, below, ratio

WARM_UP = 100
P95_MS = 50.0

HOW = (
    f"`python -m app.server` with {PROCESSES} processes and no worker; {CONNECTIONS} keep-alive connections on"
    " loopback, each sending its next request once the last is answered. Every request is another user's, for"
    " another course of two documents. Before each round tables and Redis are emptied, a checkpoint is made, and"
    " some requests that do not count warm connections and caches. A latency ends with the answer's last byte. CPU"
    " is that of whole process trees. Load generator, service, PostgreSQL and Redis share the machine's cores."
)
HOW_OTHERS = (
    "The Node stack (`bench/peers/node`) and the taskiq stack (`bench/peers/python/taskiq_stack.py`) answer with the"
    " same number of processes on the same servers, in turn. They make the same checks, but insert no generation,"
    " and write course and job apart. A ratio is that of the medians; over the rounds, that of each pair."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Admissions a second and their latency, beside those of the stacks that can be installed."""
    notes = []
    with Stand() as stand:
        lanes = [stack_lane("admissions", Service(), stand, size)]
        for name, find, versions in (
            ("the Node stack", find_node_stack, node_versions),
            ("FastAPI with taskiq", find_taskiq_stack, python_versions),
        ):
            try:
                lanes.append(stack_lane(f"admissions, {name}", find(), stand, size))
                notes.append(f"{versions()}.")
            except ToolMissing as error:
                notes.append(f"Not measured, {name}: {error}.")
                log(notes[-1])
        log(f"admissions, {size.rounds} rounds of {size.requests} after a warm-up round")
        ours, *others = take_turns(lanes, size, log)
    figures = [*_ratios(ours, others), *ours.figures(p95=below(P95_MS))]
    figures += [figure for other in others for figure in other.figures()]
    how = f"{HOW} Loaded by {best_generator().name}.\n\n{' '.join([HOW_OTHERS, *notes])}"
    return [Section("Admissions", how, figures)]


def _ratios(ours: Rounds, others: list[Rounds]) -> Iterator[Figure]:
    for other in others:
        name = other.name.removeprefix("admissions, ")
        to_node = name == "the Node stack"
        target = at_least(1.7, 2) if to_node else at_least(1.3)
        yield ratio(f"admissions a second, to {name}'s", ours.rate(), other.rate(), target)
        if to_node:
            p95 = ours.latency("p95"), other.latency("p95")
            yield ratio(f"admissions' p95, to {name}'s", *p95, below(0.6, 0.5))


def stack_lane(name: str, stack: Stack, stand: Stand, size: Size) -> Lane:
    """Admissions by the stack, whose API is started."""
    port = stack.start_api(stand)
    return admitting(name, stand, port, size, stack.slug, lambda course: stack.request(course, None))


def admitting(
    name: str,
    stand: Stand,
    port: int,
    size: Size,
    command: str,
    request: Callable[[Ready], bytes],
    owners: list[Ready] | None = None,
) -> Lane:
    """Admissions by that command of the stand, each round into empty tables, for new users or for these owners."""
    fresh: Iterator[Ready] = iter(create_courses(stand.database_url, stand.secret, admitted_courses(size), owners))

    def prepare() -> list[bytes]:
        stand.clear()
        send_all(port, [request(next(fresh)) for _ in range(WARM_UP)])
        return [request(next(fresh)) for _ in range(size.requests)]

    return Lane(name, port, 200, prepare, stand.trees(command), stand.database_url)


def admitted_courses(size: Size) -> int:
    """How many courses all rounds take."""
    return (size.rounds + 1) * (size.requests + WARM_UP)

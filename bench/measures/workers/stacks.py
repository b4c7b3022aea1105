"""`stacks`: the service beside stacks of other libraries, in one table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.environment.debian_tools import ToolMissing
from bench.environment.stage_handlers import SLOW_S
from bench.environment.stand import Stand
from bench.load.generators import best_generator
from bench.load.python_generator import CONNECTIONS
from bench.load.rounds import Rounds, take_turns
from bench.measures.requests.admissions import stack_lane
from bench.measures.workers.killed_worker import KILLED_AT, Recovery, kill_workers
from bench.measures.workers.stage_rounds import StageRounds, StartedStack, run_stages
from bench.peers.node_stack import find_node_stack, node_versions
from bench.peers.python_stacks import find_flask_stacks, find_taskiq_stack, python_versions
from bench.peers.stack import CONCURRENCY, PROCESSES, Service, Stack
from bench.reporting.figures import Grid, Section, Size

COLUMNS = ("", "admissions a second", "p95", "CPU of an admission", "empty stages a second", "worker killed")

HOW = (
    "The other stacks (`bench/peers`) answer the same request with the same checks, slots from a script in Redis,"
    f" the course's first step and a job. Each API has {PROCESSES} processes and {CONNECTIONS} connections; each"
    f" worker runs {CONCURRENCY} stages at once. CPU is that of the API's processes. All stacks share one PostgreSQL"
    f" and one Redis, in turn. Last, each worker is killed with SIGKILL after {{killed:.0%}} of the stages of"
    f" {{generations}} generations, each stage {SLOW_S} s long, and started again at once. Seconds are from the kill"
    f" to the last stage; stuck are generations that did not move for {{patience:.0f}} s. DBOS recovers only with the"
    " same executor id, and its queue is polled every 0.1 s instead of every second."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Admissions, empty stages and a killed worker of each stack that can be installed."""
    stacks, missing = _find_stacks(log)
    log(f"admissions, {size.rounds} rounds of {size.requests} after a warm-up round, {len(stacks)} stacks")
    with Stand() as stand:
        lanes = [stack_lane(f"admissions by {stack.name}", stack, stand, size) for stack in stacks]
        admissions = take_turns(lanes, size, log)
    log(f"empty stages, {size.rounds} rounds after a warm-up round, {len(stacks)} stacks")
    with _started(stacks) as started:
        stages = run_stages({f"empty stages of {each.stack.name}": each for each in started}, size, log)
        log(f"killed workers, {size.killed} generations each")
        recoveries = kill_workers(started, size, log)
    rows = zip(stacks, admissions, stages, recoveries, strict=True)
    grid = Grid(COLUMNS, [_row(*each) for each in rows])
    figures = [*(each.rate() for each in admissions), *(each.rate() for each in stages)]
    how = HOW.format(killed=KILLED_AT, generations=size.killed, patience=size.patience_s)
    notes = [how, f"Loaded by {best_generator().name}.", *missing]
    return [Section("Beside other stacks", " ".join(notes), figures, grid)]


def _find_stacks(log: Callable[[str], None]) -> tuple[list[Stack], list[str]]:
    """The stacks that can run, the service first, and sentences on versions and on what is missing."""
    stacks: list[Stack] = [Service()]
    notes = []
    kinds: dict[str, tuple[Callable[[], list[Stack]], Callable[[], str]]] = {
        "Node": (lambda: [find_node_stack()], node_versions),
        "Python": (lambda: [find_taskiq_stack(), *find_flask_stacks()], python_versions),
    }
    for name, (find, versions) in kinds.items():
        try:
            stacks += find()
            notes.append(f"{versions()}.")
        except ToolMissing as error:
            notes.append(f"Not measured, {name}: {error}.")
            log(notes[-1])
    return stacks, notes


@contextmanager
def _started(stacks: list[Stack]) -> Iterator[list[StartedStack]]:
    with Stand() as stand:
        yield [StartedStack(stack, stand) for stack in stacks]


def _row(stack: Stack, admissions: Rounds, stages: StageRounds, recovery: Recovery) -> list[str]:
    cpu = next(figure for figure in admissions.costs() if figure.name.endswith("CPU of server"))
    shown = [admissions.rate(), admissions.latency("p95"), cpu, stages.rate()]
    return [stack.name, *(figure.shown() for figure in shown), str(recovery)]

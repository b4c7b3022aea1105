"""`stacks`: the service beside stacks of other libraries, in one table."""

from collections.abc import Callable

from bench.environment.debian_tools import ToolMissing
from bench.environment.stage_handlers import SLOW_S
from bench.environment.stand import Stand
from bench.load.generators import best_generator
from bench.load.python_generator import CONNECTIONS
from bench.load.rounds import Lane, Rounds, take_turns
from bench.measures.requests.admissions import admitting
from bench.measures.workers.killed_worker import KILLED_AT, Recovery, kill_workers
from bench.measures.workers.stage_rounds import StageRounds, StartedStack, run_stages
from bench.peers.node_stack import find_node_stack, node_versions
from bench.peers.python_stacks import find_flask_stacks, find_taskiq_stack, python_versions
from bench.peers.stack import CONCURRENCY, PROCESSES, Service, Stack
from bench.reporting.figures import Grid, Section, Size

COLUMNS = ("", "admissions", "their p95", "their CPU", "empty stages", "worker killed")

HOW = (
    "The other stacks (`bench/peers`) make the same checks, take slots with a script in Redis, complete the course's"
    f" first step and queue a job. Each API has {PROCESSES} processes and {CONNECTIONS} connections; each worker runs"
    f" {CONCURRENCY} stages at once. CPU is that of the API's processes. All stacks use one PostgreSQL and one Redis,"
    " in turn. DBOS polls its queue every 0.1 s instead of every second."
)
HOW_KILLED = (
    "At last, each worker runs {generations} generations with stages of {stage_s} s. After {killed_at:.0%} of the"
    " stages SIGKILL ends its processes, and new ones start at once. The seconds are from the kill to the end of the"
    " last stage. Stuck are generations once no stage of theirs has ended for {patience_s:.0f} s: by default plain"
    " Procrastinate and taskiq return to lost jobs after up to ten minutes, and Celery after an hour. DBOS recovers"
    " at once, but only under the same executor id."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Admissions, empty stages and a killed worker of each stack that can be installed."""
    stacks, notes = _find_stacks(log)
    log(f"admissions, {size.rounds} rounds of {size.requests} after a warm-up round, {len(stacks)} stacks")
    with Stand() as stand:
        started = [StartedStack(stack, stand) for stack in stacks]
        admissions = take_turns([_lane(each, size) for each in started], size, log)
        stand.clear()  # no worker meets what was admitted to measure that
        log(f"empty stages, {size.rounds} rounds after a warm-up round, {len(stacks)} stacks")
        stages = run_stages({f"empty stages of {each.stack.name}": each for each in started}, size, log)
        log(f"killed workers, {size.killed} generations each")
        recoveries = kill_workers(started, size, log)
    rows = zip(stacks, admissions, stages, recoveries, strict=True)
    grid = Grid(COLUMNS, [_row(*each) for each in rows])
    figures = [*(each.rate() for each in admissions), *(each.rate() for each in stages)]
    killed = HOW_KILLED.format(generations=size.killed, stage_s=SLOW_S, killed_at=KILLED_AT, patience_s=size.patience_s)
    how = f"{HOW} Loaded by {best_generator().name}. {' '.join(notes)}\n\n{killed}"
    return [Section("Beside other stacks", how, figures, grid)]


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


def _lane(started: StartedStack, size: Size) -> Lane:
    stack = started.stack
    name, request = f"admissions by {stack.name}", lambda course: stack.request(course, None)
    return admitting(name, started.stand, started.port, size, stack.slug, request)


def _row(stack: Stack, admissions: Rounds, stages: StageRounds, recovery: Recovery) -> list[str]:
    cpu = next(figure for figure in admissions.costs() if figure.name.endswith("CPU of server"))
    shown = [admissions.rate(), admissions.latency("p95"), cpu, stages.rate()]
    return [stack.name, *(figure.shown() for figure in shown), str(recovery)]

"""`stages`: empty stages through one worker, in turn with a BullMQ worker."""

from collections.abc import Callable

from bench.environment.debian_tools import ToolMissing
from bench.environment.stand import Stand
from bench.measures.workers.stage_rounds import STAGES, StartedStack, run_stages
from bench.peers.node_stack import find_node_stack
from bench.peers.stack import CONCURRENCY, Service
from bench.reporting.figures import Section, Size, at_least, ratio

HOW = (
    f"The worker (`procrastinate --app=tasks.app worker` at concurrency {CONCURRENCY}, upkeep beside it) is frozen"
    f" while the API admits courses of two documents, {STAGES} stages each; then it goes on. Its handlers do next to"
    " nothing. The time is PostgreSQL's own, from the first start to the last end of a stage. A stage also stores"
    " its results, its attempt and the generation's state."
)
HOW_NODE = (
    "BullMQ's worker (`bench/peers/node/worker.mjs`) runs the same courses at the same concurrency. Its stages read"
    " the same rows and move the same steps, but store no results, attempts or states."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Empty stages a second, beside the Node stack's if Node is installed."""
    with Stand() as stand:
        stacks, how = {"empty stages": StartedStack(Service(), stand)}, f"{HOW}\n\n{HOW_NODE}"
        try:
            stacks["empty stages, BullMQ"] = StartedStack(find_node_stack(), stand)
        except ToolMissing as error:
            how = f"{HOW} The BullMQ worker is not measured: {error}."
            log(f"the BullMQ worker is not measured: {error}")
        log(f"empty stages, {size.rounds} rounds of {STAGES * size.staged} after a warm-up round")
        ours, *others = run_stages(stacks, size, log)
    figures = [*ours.figures(), *(figure for other in others for figure in other.figures())]
    for other in others:
        figures.insert(0, ratio("empty stages a second, to BullMQ's", ours.rate(), other.rate(), at_least(0.7, 1)))
    return [Section(f"Empty stages at concurrency {CONCURRENCY}", how, figures)]

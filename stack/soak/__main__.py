"""`python -m stack.soak --minutes N`: exits with 0 if nothing was lost, doubled or left behind."""

import argparse
import os
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import psycopg
from rich.console import Console

from stack.interrupts import raise_on_signals
from stack.server import ServerStartError
from stack.services import TICK_S, Stack, StackError
from stack.soak.checks import STAGES_AT_ONCE, Checks
from stack.soak.harms import Harms
from stack.soak.load import Load
from stack.soak.report import Summary, show, write

LIMIT = 10
SETTINGS = {
    "GLOBAL_CONCURRENCY_LIMIT": str(LIMIT),
    "WORKER_CONCURRENCY": str(STAGES_AT_ONCE),
    "HEARTBEAT_S": "1",
    "STALLED_S": "5",
    "UPKEEP_S": "2",
    "RETRY_BACKOFF_S": "1",
    "HANDLER_STRUCTURE_GENERATION": "stack.soak.handlers.outline",
    "HANDLER_TEXT_GENERATION": "stack.soak.handlers.draft",
}
WIDTH = 110


def main() -> int:
    """Runs what the command line asks for; returns the exit code."""
    asked = _arguments()
    raise_on_signals()
    console = Console(width=WIDTH, highlight=False, emoji=False, markup=False)
    # They are going to be killed: never somebody else's.
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(SETTINGS)
    try:
        summary = _soak(console, asked)
    except StackError as error:
        print(f"The soak failed: {error}\n{error.tails}", file=sys.stderr)
        return 1
    except (psycopg.Error, ServerStartError, OSError) as error:
        print(f"The soak failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    show(console, summary)
    if asked.write:
        console.print(f"Written to {write(summary)}")
    return 1 if summary.violations else 0


def _soak(console: Console, asked: argparse.Namespace) -> Summary:
    console.print(f"Seed {asked.seed}. {asked.minutes:g} minutes, a harm every {asked.every:g} s.")
    deaths: Counter[str] = Counter()
    with Stack() as stack:
        harms = Harms(stack, random.Random(asked.seed))
        load = Load(stack, LIMIT, asked.seed)

        def tend() -> None:
            harms.tend()
            deaths.update(death.name for death in stack.tend_processes())

        try:
            load.start()
            began = time.monotonic()
            end, due = began + 60 * asked.minutes, began + min(asked.every, 5.0)
            while (now := time.monotonic()) < end:
                if now >= due:
                    due = now + asked.every
                    console.print(f"{now - began:7.1f} s  {harms.strike().kind}")
                tend()
                time.sleep(TICK_S)
            harms.heal()
            load.stop()
            checks = Checks(stack, load.tally, harms, tend)
            found = checks.run()
            summary = Summary(
                asked.minutes, asked.seed, harms.struck, deaths, load.tally, checks.statuses(), found, checks.facts
            )
            if asked.logs and summary.violations:
                _keep(stack, asked.logs)
        finally:
            # A frozen server could not even be stopped.
            harms.heal()
            load.close()
    return summary


def _keep(stack: Stack, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in [*stack.folder.glob("*.log"), *(server.log for server in stack.servers)]:
        shutil.copy(log, folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stack.soak", description="Harms the service under load.")
    parser.add_argument("--minutes", type=float, default=5, help="how long; 5 by default")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="repeats an order of harms")
    parser.add_argument("--every", type=float, default=20, help="seconds from one harm to the next; 20 by default")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of a run with violations")
    parser.add_argument("--write", action="store_true", help="put the summary into docs/reliability.md")
    asked = parser.parse_args()
    if asked.minutes <= 0 or asked.every <= 0:
        parser.error("minutes and seconds are more than 0")
    return asked


if __name__ == "__main__":
    sys.exit(main())

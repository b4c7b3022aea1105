"""`python -m bench`: every benchmark, one after another; see `docs/benchmarks.md`."""

import argparse
import os
import sys
import time

import psycopg
from redis import RedisError
from rich.console import Console

from bench import admissions, machine, memory, pickups, refusals, report, slots, wire
from bench.figures import FULL, QUICK, Bench, BenchError, Section
from bench.stand import TRIED
from stack.interrupts import raise_on_signals
from stack.server import ServerStartError

BENCHES: dict[str, Bench] = {
    "admissions": admissions.bench,
    "refusals": refusals.bench,
    "slots": slots.bench,
    "pickups": pickups.bench,
    "wire": wire.bench,
}
#: Too long for every run: measured when asked for.
LONG: dict[str, Bench] = {"memory": memory.bench}

#: Wide enough for the table, also where the output is no terminal.
WIDTH = 100


def main() -> int:
    """Runs what the command line asks for; returns the exit code."""
    asked = _arguments()
    raise_on_signals()
    console = Console(width=WIDTH, highlight=False, emoji=False)
    started = time.monotonic()
    try:
        facts = machine.describe()
        facts |= {"settings": ", ".join(f"{name}={os.environ[name]}" for name in TRIED if name in os.environ)}
        facts = {name: fact for name, fact in facts.items() if fact}
        for name, fact in facts.items():
            console.print(f"{name}: {fact}")
        sections: list[Section] = []
        for name in asked.only or BENCHES:
            sections += (BENCHES | LONG)[name](
                QUICK if asked.quick else FULL, lambda line: console.print(f"  {line}", soft_wrap=True)
            )
    except (BenchError, ServerStartError, psycopg.Error, RedisError, OSError) as error:
        print(f"The benchmark failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    report.show(console, sections)
    console.print(f"Done in {time.monotonic() - started:.0f} s; everything is stopped.")
    if asked.write:
        console.print(f"Written to {report.write(sections, facts, 'python -m bench --write')}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the service on this machine.")
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, not a measurement")
    parser.add_argument("--only", action="append", choices=list(BENCHES | LONG), help="this benchmark; may be repeated")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/benchmarks.md")
    asked = parser.parse_args()
    if asked.write and (asked.quick or asked.only):
        parser.error("--write takes a whole run")
    return asked


if __name__ == "__main__":
    sys.exit(main())

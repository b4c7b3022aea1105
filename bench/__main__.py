"""`python -m bench`: every benchmark, one after another; see `docs/benchmarks.md`."""

import argparse
import os
import subprocess
import sys
import time

import psycopg
from redis import RedisError
from rich.console import Console

from bench import (
    admissions,
    growth,
    machine,
    memory,
    pickups,
    pooler,
    progress,
    refusals,
    report,
    sampling,
    slots,
    stages,
    wire,
)
from bench.figures import FULL, QUICK, Bench, BenchError, Section
from bench.interpreters import run_in_the_fastest
from bench.stand import TRIED
from stack.interrupts import raise_on_signals
from stack.server import ServerStartError

BENCHES: dict[str, Bench] = {
    "admissions": admissions.bench,
    "refusals": refusals.bench,
    "slots": slots.bench,
    "pickups": pickups.bench,
    "stages": stages.bench,
    "progress": progress.bench,
    "growth": growth.bench,
    "pooler": pooler.bench,
    "wire": wire.bench,
    "sampling": sampling.bench,
    "memory": memory.bench,
}

#: What ends a benchmark without a figure.
FAILURES = (BenchError, ServerStartError, psycopg.Error, RedisError, OSError, subprocess.SubprocessError)

#: Wide enough for the table, also where the output is no terminal.
WIDTH = 110


def main() -> int:
    """Runs what the command line asks for; returns the exit code."""
    asked = _arguments()
    raise_on_signals()
    console = Console(width=WIDTH, highlight=False, emoji=False)
    if not asked.this_python:
        run_in_the_fastest(sys.argv[1:], lambda line: console.print(line, soft_wrap=True))
    started = time.monotonic()
    sections: list[Section] = []
    failures: dict[str, Exception] = {}
    try:
        facts = machine.describe()
        facts |= {"settings": ", ".join(f"{name}={os.environ[name]}" for name in TRIED if name in os.environ)}
        facts = {name: fact for name, fact in facts.items() if fact}
        for name, fact in facts.items():
            console.print(f"{name}: {fact}")
        for name in asked.only or BENCHES:
            try:
                sections += BENCHES[name](
                    QUICK if asked.quick else FULL, lambda line: console.print(f"  {line}", soft_wrap=True)
                )
            except FAILURES as error:  # the others are worth having all the same
                failures[name] = error
                console.print(f"  {name} failed", style="red")
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    report.show(console, sections)
    console.print(f"Done in {time.monotonic() - started:.0f} s; everything is stopped.")
    for name, failure in failures.items():
        print(f"The benchmark {name} failed: {failure}", file=sys.stderr)
    if failures:
        return 1
    if asked.write:
        for path in report.write(sections, facts, "python -m bench --write"):
            console.print(f"Written to {path}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the service on this machine.")
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, not a measurement")
    parser.add_argument("--only", action="append", choices=list(BENCHES), help="this benchmark; may be repeated")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/")
    parser.add_argument("--this-python", action="store_true", help="measure with this Python, however it was built")
    asked = parser.parse_args()
    if asked.write and (asked.quick or asked.only):
        parser.error("--write takes a whole run")
    return asked


if __name__ == "__main__":
    sys.exit(main())

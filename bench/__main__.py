"""`python -m bench`: every benchmark, one after another; see `docs/benchmarks.md`."""

import argparse
import os
import subprocess
import sys
import time

import psycopg
from redis import RedisError
from rich.console import Console

from bench.environment import machine
from bench.environment.interpreters import run_in_the_fastest
from bench.environment.stand import TRIED
from bench.measures import MEASURES
from bench.reporting import tables
from bench.reporting.figures import FULL, QUICK, BenchError, Section
from stack.interrupts import raise_on_signals
from stack.server import ServerStartError

#: Errors that end one benchmark; the others run all the same.
FAILURES = (BenchError, ServerStartError, psycopg.Error, RedisError, OSError, subprocess.SubprocessError)

#: Of the output, also where that is no terminal.
WIDTH = 110


def main() -> int:
    """Runs the benchmarks that the command line names; returns the exit code."""
    arguments = _arguments()
    raise_on_signals()
    console = Console(width=WIDTH, highlight=False, emoji=False)
    if not arguments.this_python:
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
        for name in arguments.only or MEASURES:
            try:
                sections += MEASURES[name](
                    QUICK if arguments.quick else FULL, lambda line: console.print(f"  {line}", soft_wrap=True)
                )
            except FAILURES as error:
                failures[name] = error
                console.print(f"  {name} failed", style="red")
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    tables.show(console, sections)
    console.print(f"Done in {time.monotonic() - started:.0f} s; everything is stopped.")
    for name, failure in failures.items():
        print(f"The benchmark {name} failed: {failure}", file=sys.stderr)
    if failures:
        return 1
    if arguments.write:
        for path in tables.write(sections, facts, "python -m bench --write"):
            console.print(f"Written to {path}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the service on this machine.")
    parser.add_argument("--quick", action="store_true", help="few rounds: a check, not a measurement")
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="this benchmark; may be repeated")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/")
    parser.add_argument("--this-python", action="store_true", help="measure with this Python, however it was built")
    arguments = parser.parse_args()
    if arguments.write and (arguments.quick or arguments.only):
        parser.error("--write takes a whole run")
    return arguments


if __name__ == "__main__":
    sys.exit(main())

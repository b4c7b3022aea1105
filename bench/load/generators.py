"""Picks the load generator: wrk if it can be had, else the project's own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from bench.environment.debian_tools import ToolMissing
from bench.load import python_generator, wrk
from bench.load.python_generator import Load


@dataclass(frozen=True, slots=True)
class Generator:
    """Its name and version, and how it sends every request to a port once, over `CONNECTIONS` connections."""

    name: str
    send_all: Callable[[int, list[bytes]], Load]


@cache
def best_generator() -> Generator:
    """Returns wrk, or the generator in Python, with the reason in its name.

    That one uses half as much processor time again, and its latencies contain more of the machine's noise.
    """
    try:
        return Generator(wrk.version(), wrk.send_all)
    except ToolMissing as error:
        return Generator(
            f"bench/load/python_generator.py, in Python, because wrk is missing: {error}", python_generator.send_all
        )

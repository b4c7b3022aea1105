"""Which load generator measures: wrk where it is there or can be had, else the one of this project."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from bench import load, wrk
from bench.load import Load
from bench.tools import ToolMissing


@dataclass(frozen=True, slots=True)
class Generator:
    """Its name and version, and how it sends every request to a port once, over `CONNECTIONS` connections."""

    name: str
    send_all: Callable[[int, list[bytes]], Load]


@cache
def best_generator() -> Generator:
    """wrk, or with the reason in its name the one in Python.

    That one takes half as much processor time again, and more of the machine's noise into its latencies.
    """
    try:
        return Generator(wrk.version(), wrk.send_all)
    except ToolMissing as error:
        return Generator(f"bench/load.py, in Python, for want of wrk: {error}", load.send_all)

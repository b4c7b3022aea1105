"""Rounds of load on the API, and the figures they give."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from bench.figures import BenchError, Figure, over_rounds
from bench.load import Load, send_all
from bench.machine import Others

#: Above this the machine has other things to do, and the figures are theirs as well.
BUSY_PERCENT = 10.0

SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def measure(port: int, batches: Iterator[list[bytes]], status: int, tell: Callable[[str], None]) -> list[Load]:
    """One round per batch, each answer with that status. Raises `BenchError`."""
    rounds = []
    for number, requests in enumerate(batches, 1):
        others = Others()
        load = send_all(port, requests)
        load = replace(load, others_percent=others.percent())
        if set(load.statuses) != {status}:
            raise BenchError(f"expected nothing but {status}, got {dict(load.statuses)}")
        latencies = "  ".join(f"{name} {load.at(share):.1f}" for name, share in SHARES.items())
        strangers = f"  (others: {load.others_percent:.0f} % of the processors)"
        shown = strangers if load.others_percent > BUSY_PERCENT else ""
        tell(f"round {number}: {load.rate:.0f}/s  {latencies} ms{shown}")
        rounds.append(load)
    return rounds


def rate_and_latency(rounds: list[Load], p95_below: float | None = None) -> list[Figure]:
    """Answers a second and their latencies, medians over the rounds."""
    figures = [over_rounds("requests a second", [load.rate for load in rounds], "/s")]
    for name, share in SHARES.items():
        below = p95_below if name == "p95" else None
        figures.append(over_rounds(name, [load.at(share) for load in rounds], "ms", below))
    figures.append(over_rounds("processors taken by others", [load.others_percent for load in rounds], "%"))
    return figures


def generator_share(rounds: list[Load]) -> Figure:
    """How much of one core the load generator itself took; near 100 % it would be what is measured."""
    shares = [100 * load.cpu_s / load.seconds for load in rounds]
    return over_rounds("the load generator's share of a core", shares, "%")

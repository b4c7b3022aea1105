"""Rounds of load, in turn on everything that is compared, and their figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.environment.machine import Others, tree_cpu_s
from bench.environment.statements import SQL
from bench.load.generators import best_generator
from bench.load.python_generator import SHARES, Load
from bench.reporting.figures import BenchError, Figure, Size, Target, over_rounds

#: Above this the machine is too busy with other processes for good figures.
BUSY_PERCENT = 10.0


@dataclass(frozen=True, slots=True)
class Lane:
    """Something that is loaded. `prepare` gets ready for a round and returns its requests; each is answered `status`.

    `trees`: the process trees that work for it, by name, whose processor time is counted.
    `database_url`: where it writes, so that WAL is counted; None if it does not write.
    """

    name: str
    port: int
    status: int
    prepare: Callable[[], list[bytes]]
    trees: Mapping[str, int] = field(default_factory=dict)
    database_url: str | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One load: one request's processor time in each tree, and its WAL; the processors' share of other processes."""

    load: Load
    cpu_ms: dict[str, float]
    wal_kb: float | None
    others_percent: float


@dataclass(frozen=True, slots=True)
class Rounds:
    """The rounds of a lane, and figures over them."""

    name: str
    rounds: Sequence[Round]

    def rate(self, target: Target | None = None) -> Figure:
        return over_rounds(self.name, [each.load.rate for each in self.rounds], "/s", target)

    def latency(self, share: str, target: Target | None = None) -> Figure:
        values = [each.load.latencies_ms[share] for each in self.rounds]
        return over_rounds(f"{self.name}, {share}", values, "ms", target)

    def figures(self, rate: Target | None = None, p95: Target | None = None) -> list[Figure]:
        """All figures of these rounds."""
        latencies = [self.latency(share, p95 if share == "p95" else None) for share in SHARES]
        return [self.rate(rate), *latencies, *self.costs(), self.others()]

    def costs(self) -> list[Figure]:
        """Of a request: processor time of each tree and of the load generator, and WAL."""
        figures = [
            over_rounds(f"{self.name}, CPU of {tree}", [each.cpu_ms[tree] for each in self.rounds], "ms")
            for tree in self.rounds[0].cpu_ms
        ]
        if written := [each.wal_kb for each in self.rounds if each.wal_kb is not None]:
            figures.append(over_rounds(f"{self.name}, WAL", written, "kB"))
        return figures

    def others(self) -> Figure:
        """Share of the processors that processes outside the benchmark used meanwhile."""
        values = [each.others_percent for each in self.rounds]
        return over_rounds(f"{self.name}, processors taken by others", values, "%")


def take_turns(lanes: Sequence[Lane], size: Size, log: Callable[[str], None]) -> list[Rounds]:
    """Returns the rounds of each lane. One round of each runs at a time; the first round is a warm-up.

    Every other time the order is reversed, so that no lane always follows the same one. Raises `BenchError`.
    """
    rounds: dict[str, list[Round]] = {lane.name: [] for lane in lanes}
    for number in range(size.rounds + 1):
        for lane in lanes if number % 2 else reversed(lanes):
            done = _load(lane)
            shown = "  ".join(f"{name} {ms:.1f}" for name, ms in done.load.latencies_ms.items())
            note = f"  (others: {done.others_percent:.0f} % of the processors)"
            busy = note if done.others_percent > BUSY_PERCENT else ""
            log(f"{f'round {number}' if number else 'warm-up'}: {lane.name}: {done.load.rate:.0f}/s  {shown} ms{busy}")
            if number:
                rounds[lane.name].append(done)
    return [Rounds(lane.name, rounds[lane.name]) for lane in lanes]


def _load(lane: Lane) -> Round:
    requests = lane.prepare()
    others = Others()
    before = {name: tree_cpu_s(pid) for name, pid in lane.trees.items()}
    logged = _logged(lane)
    load = best_generator().send_all(lane.port, requests)
    spent = {name: tree_cpu_s(pid) - before[name] for name, pid in lane.trees.items()}
    if set(load.statuses) != {lane.status}:
        raise BenchError(f"{lane.name}: expected nothing but {lane.status}, got {dict(load.statuses)}")
    spent["load generator"] = load.cpu_s
    written = (_logged(lane) - logged) / len(requests) if lane.database_url else None
    return Round(load, {name: 1000 * s / len(requests) for name, s in spent.items()}, written, others.percent())


def _logged(lane: Lane) -> float:
    if lane.database_url is None:
        return 0.0
    with psycopg.connect(lane.database_url) as conn:
        return wal_kb(conn)


def wal_kb(conn: psycopg.Connection[Any]) -> float:
    """Kilobytes of WAL that PostgreSQL has written so far."""
    row = conn.execute(SQL["read_wal_kb"]).fetchone()
    assert row is not None
    kb: float = row[0]
    return kb

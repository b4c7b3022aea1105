"""Rounds of load, in turn on all that is compared, and the figures they give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.figures import BenchError, Figure, Size, Target, over_rounds
from bench.generators import best_generator
from bench.load import SHARES, Load
from bench.machine import Others, tree_cpu_s

#: Above this the machine has other things to do, and the figures are theirs as well.
BUSY_PERCENT = 10.0


@dataclass(frozen=True, slots=True)
class Lane:
    """Something that is loaded. `prepare` makes all ready for a round and returns its requests; each is answered so.

    `trees`: the process trees that work for it, by what they are called, whose processor time is counted.
    `database_url`: where it writes, if it does, so that the bytes of the log of writes are counted.
    """

    name: str
    port: int
    status: int
    prepare: Callable[[], list[bytes]]
    trees: Mapping[str, int] = field(default_factory=dict)
    database_url: str | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """A load; each tree's processor time for a request in ms, and what it added to PostgreSQL's log of writes, in kB;
    what strangers took of the processors.
    """

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
        """All there is to say of these rounds."""
        latencies = [self.latency(share, p95 if share == "p95" else None) for share in SHARES]
        return [self.rate(rate), *latencies, *self.costs(), self.others()]

    def costs(self) -> list[Figure]:
        """Of a request: the processor time of each tree and of the load generator, the log of writes."""
        figures = [
            over_rounds(f"{self.name}, CPU of {tree}", [each.cpu_ms[tree] for each in self.rounds], "ms")
            for tree in self.rounds[0].cpu_ms
        ]
        if written := [each.wal_kb for each in self.rounds if each.wal_kb is not None]:
            figures.append(over_rounds(f"{self.name}, WAL", written, "kB"))
        return figures

    def others(self) -> Figure:
        """What strangers to the benchmark took of the processors meanwhile."""
        values = [each.others_percent for each in self.rounds]
        return over_rounds(f"{self.name}, processors taken by others", values, "%")


def take_turns(lanes: Sequence[Lane], size: Size, tell: Callable[[str], None]) -> list[Rounds]:
    """The rounds of every lane, in the lanes' order: one round of each at a time, the first of which does not count.

    Every other time they go in the opposite order, so that none always comes after the same one. Raises `BenchError`.
    """
    rounds: dict[str, list[Round]] = {lane.name: [] for lane in lanes}
    for number in range(size.rounds + 1):
        for lane in lanes if number % 2 else reversed(lanes):
            done = _load(lane)
            shown = "  ".join(f"{name} {ms:.1f}" for name, ms in done.load.latencies_ms.items())
            strangers = f"  (others: {done.others_percent:.0f} % of the processors)"
            busy = strangers if done.others_percent > BUSY_PERCENT else ""
            tell(f"{f'round {number}' if number else 'warm-up'}: {lane.name}: {done.load.rate:.0f}/s  {shown} ms{busy}")
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
    """How much PostgreSQL has written to its log so far."""
    row = conn.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 / 1000").fetchone()
    assert row is not None
    kb: float = row[0]
    return kb

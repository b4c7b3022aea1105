"""How the dynamic limit moves: one step at a time, by what was refused and by what hosts and providers can bear."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: How far back refusals count as demand.
WINDOW_S = 60.0
#: How long a request has to wait before it counts as demand.
WAITED_S = 5.0
#: A step shows its effect before the next one; after a step down, pressure has to be gone for longer.
SETTLED_S = 15.0
RECOVERED_S = 60.0
#: A host is pressed beyond the first figures and has room within the second. In between, nothing moves. Shares of 1.
PRESSED_CPU, ROOMY_CPU = 0.8, 0.5
PRESSED_MEMORY, ROOMY_MEMORY = 0.1, 0.2


class Reason(StrEnum):
    """Why the limit moved, or stays."""

    STAYS = "stays"
    DEMAND = "demand"
    PROCESSOR = "processor"
    MEMORY = "memory"
    PROVIDERS = "providers"
    PLACES = "places"
    BOUNDS = "bounds"


@dataclass(frozen=True, slots=True)
class Host:
    """A host of live stage workers: their places, and its load. None: it does not say, and counts as one with room."""

    places: int
    cpu_pressure: float | None = None
    memory_free: float | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the decision depends on.

    `active` generations hold slots. `refused`: requests without a free slot within `WINDOW_S`. `busy`: generations that
    a provider asked to wait. `changed_s`, `lowered_s`: since the limit moved, and moved down; None if it never has.
    """

    limit: int
    lowest: int
    highest: int
    active: int
    hosts: Sequence[Host] = ()
    refused: int = 0
    waiting: int = 0
    oldest_s: float = 0.0
    busy: int = 0
    changed_s: float | None = None
    lowered_s: float | None = None

    @property
    def places(self) -> int:
        return sum(host.places for host in self.hosts)


def decide(now: Situation) -> tuple[int, Reason]:
    """The limit from now on, and why.

    It lies within its bounds, and never above the live places unless at its lowest: both hold at once, as when workers
    are lost. Any other move is one step, and only after a rest since the last one.
    """
    most = max(now.lowest, min(now.highest, now.places))
    if not now.lowest <= now.limit <= most:
        is_within = now.lowest <= now.limit <= now.highest
        return min(max(now.limit, now.lowest), most), Reason.PLACES if is_within else Reason.BOUNDS
    if _within(now.changed_s, SETTLED_S):
        return now.limit, Reason.STAYS
    pressure = _find_pressure(now)
    if pressure is not None:
        return (now.limit - 1, pressure) if now.limit > now.lowest else (now.limit, Reason.STAYS)
    wanted = now.refused > 0 or (now.waiting > 0 and now.oldest_s >= WAITED_S)
    if wanted and now.active >= now.limit < most and _have_room(now) and not _within(now.lowered_s, RECOVERED_S):
        return now.limit + 1, Reason.DEMAND
    return now.limit, Reason.STAYS


def _within(seconds: float | None, span_s: float) -> bool:
    return seconds is not None and seconds < span_s


def _find_pressure(now: Situation) -> Reason | None:
    if now.busy > 0:
        return Reason.PROVIDERS
    if _are_most(now.hosts, lambda host: host.memory_free is not None and host.memory_free < PRESSED_MEMORY):
        return Reason.MEMORY
    if _are_most(now.hosts, lambda host: host.cpu_pressure is not None and host.cpu_pressure > PRESSED_CPU):
        return Reason.PROCESSOR
    return None


def _have_room(now: Situation) -> bool:
    return _are_most(
        now.hosts,
        lambda host: (
            (host.cpu_pressure is None or host.cpu_pressure <= ROOMY_CPU)
            and (host.memory_free is None or host.memory_free >= ROOMY_MEMORY)
        ),
    )


def _are_most(hosts: Sequence[Host], is_so: Callable[[Host], bool]) -> bool:
    """Whether at least half of the places are on hosts for which that holds."""
    return 0 < sum(host.places for host in hosts) <= 2 * sum(host.places for host in hosts if is_so(host))

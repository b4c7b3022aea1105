"""Which receivers are worth a try: one that does not answer must not keep the others waiting.

In memory, a process at a time: what is forgotten is learned again by one try.
"""

import random
import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass

#: How long a receiver that did not answer is left alone; doubled with each further silence, up to the longest.
REST_S = 5.0
LONGEST_REST_S = 900.0
#: The wait where a receiver is busy with as many of ours as it may be, unless its last visit took longer.
BUSY_S = 0.5
#: Receivers remembered, at most.
MOST_KNOWN = 10_000


@dataclass(slots=True)
class _Receiver:
    visits: int = 0
    silences: int = 0
    rests_until: float = 0.0
    took_s: float = 0.0


class Circuits:
    """What is known of each receiver. One may have `most` visits at a time, and one alone after a silence."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[Hashable, _Receiver] = {}

    def enter(self, key: Hashable) -> float | None:
        """None: go, and `leave` afterwards. Otherwise in how many seconds to ask again, spread a little."""
        now = time.monotonic()
        with self._lock:
            if len(self._known) >= MOST_KNOWN:
                self._forget(now)
            receiver = self._known.setdefault(key, _Receiver())
            if receiver.rests_until > now:
                return receiver.rests_until - now + random.uniform(0, REST_S)  # noqa: S311
            if receiver.visits >= (1 if receiver.silences else self._most):
                return max(BUSY_S, receiver.took_s) * random.uniform(1, 2)  # noqa: S311
            receiver.visits += 1
            return None

    def leave(self, key: Hashable, *, answered: bool, took_s: float) -> None:
        """The visit is over; whatever was answered counts, silence makes the receiver rest."""
        now = time.monotonic()
        with self._lock:
            receiver = self._known[key]
            receiver.visits -= 1
            receiver.took_s = took_s
            if answered:
                receiver.silences, receiver.rests_until = 0, 0.0
                if not receiver.visits:
                    del self._known[key]
            elif receiver.rests_until <= now:  # those that were under way together count as one
                receiver.rests_until = now + min(REST_S * 2.0 ** min(receiver.silences, 32), LONGEST_REST_S)
                receiver.silences += 1

    def _forget(self, now: float) -> None:
        """Those who are not visited and rest no more."""
        for key in [key for key, known in self._known.items() if not known.visits and known.rests_until <= now]:
            del self._known[key]

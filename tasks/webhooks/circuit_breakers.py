"""Circuit breakers: a receiver that does not respond must not keep the others waiting.

They live in the memory of one process. A receiver that is forgotten costs one more attempt.
"""

import random
import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass

#: How long the circuit stays open after a request without response; doubled each time, up to the longest.
OPEN_S = 5.0
LONGEST_OPEN_S = 900.0
#: The wait for a receiver that has its share of requests, unless its last request took longer.
BUSY_S = 0.5
#: Receivers remembered, at most.
MOST_KNOWN = 10_000


@dataclass(slots=True)
class _Circuit:
    requests: int = 0
    failures: int = 0
    open_until: float = 0.0
    took_s: float = 0.0


class CircuitBreakers:
    """One circuit breaker a receiver, which has at most `most` requests at a time, and one after a failure."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._circuits: dict[Hashable, _Circuit] = {}

    def acquire(self, key: Hashable) -> float | None:
        """None if a request may be sent: call `release` after it. Else the seconds to wait, with jitter."""
        now = time.monotonic()
        with self._lock:
            if len(self._circuits) >= MOST_KNOWN:
                self._circuits = {k: c for k, c in self._circuits.items() if c.requests or c.open_until > now}
            circuit = self._circuits.setdefault(key, _Circuit())
            if circuit.open_until > now:
                return circuit.open_until - now + random.uniform(0, OPEN_S)  # noqa: S311
            if circuit.requests >= (1 if circuit.failures else self._most):
                return max(BUSY_S, circuit.took_s) * random.uniform(1, 2)  # noqa: S311
            circuit.requests += 1
            return None

    def release(self, key: Hashable, *, responded: bool, took_s: float) -> None:
        """The request has ended. A response of any status closes the circuit, none opens it."""
        now = time.monotonic()
        with self._lock:
            circuit = self._circuits[key]
            circuit.requests -= 1
            circuit.took_s = took_s
            if responded:
                circuit.failures, circuit.open_until = 0, 0.0
                if not circuit.requests:
                    del self._circuits[key]
            elif circuit.open_until <= now:  # failures of simultaneous requests count as one
                circuit.open_until = now + min(OPEN_S * 2.0 ** min(circuit.failures, 32), LONGEST_OPEN_S)
                circuit.failures += 1

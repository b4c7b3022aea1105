"""How long what is promised took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

#: The whole answer takes at most 5 s, and the test's own machine some.
ANSWER_S = 5.5
#: After an outage of the database.
READY_S = 10
WORKERS_S = 60


class Measure:
    """Records seconds for the table of `make faults`. Longer than promised fails the test."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    @contextmanager
    def __call__(self, what: str, within: float | None = None) -> Iterator[None]:
        """The block's length; `within` is the promise, in seconds, under any settings."""
        began = time.monotonic()
        yield
        self.record(what, time.monotonic() - began, within)

    def record(self, what: str, seconds: float, within: float | None = None) -> None:
        """So many seconds were measured elsewhere; of several the longest counts."""
        self._properties.append(("measured", (what, seconds, within)))
        assert within is None or seconds <= within, f"{what}: {seconds:.1f} s, promised {within:g} s"

"""Since when the database has answered a worker without a longer pause."""

import time


class Contact:
    """Upkeep judges other workers by it: an outage silences the living too, and they need time to be heard again."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._since = self._last = float("-inf")

    def note(self) -> None:
        """The database has answered. A longer pause than `pause_s` before that was an outage."""
        now = time.monotonic()
        if now - self._last > self._pause_s:
            self._since = now
        self._last = now

    def lasts(self, seconds: float) -> bool:
        """Whether the database has answered throughout the last `seconds`."""
        now = time.monotonic()
        return now - self._last <= self._pause_s and now - self._since >= seconds

    def silence_s(self) -> float:
        """The seconds since the last answer; 0 before the first."""
        return 0.0 if self._last == float("-inf") else time.monotonic() - self._last

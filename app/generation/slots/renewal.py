"""The system's slots are compared before that is due, so that no request has to."""

import logging
import threading
from collections.abc import Callable

import psycopg

log = logging.getLogger(__name__)


class Renewal:
    """Does what it is for in a thread of its own, once at a time in this process."""

    def __init__(self, renew: Callable[[], None]) -> None:
        self._renew = renew
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Returns at once. It is begun unless it is under way, or no thread is to be had: then a later call does."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name="slots", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    log.warning("slots_not_compared", extra={"error": str(error)})
                else:
                    self._thread = thread

    def close(self, wait_s: float) -> None:
        """What is under way ends, if it does so in time."""
        with self._lock:
            if self._thread is not None:
                self._thread.join(wait_s)

    def _run(self) -> None:
        try:
            self._renew()
        except psycopg.Error as error:  # then a request does it, and is told
            log.warning("slots_not_compared", extra={"error": str(error)})

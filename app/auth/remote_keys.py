"""The keys of the platform's JWKS endpoint, cached and refreshed in the background."""

import logging
import threading
import time
from dataclasses import dataclass

from jwt import PyJWK

from app.auth.jwks import JwksError, Keys, fetch_keys
from app.database.deadline import remaining

#: Keys older than this are fetched again in the background.
REFRESH_S = 5 * 60.0
#: A request that needs keys older than this waits for the fetch. If it fails, the old keys remain valid.
MAX_AGE_S = 10 * 60.0
#: The pause between two fetches, however many requests need unknown keys.
COOLDOWN_S = 5.0
#: The longest that a request waits for a fetch. The rest of such a request brings it to less than 2 s.
WAIT_S = 1.5

log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """No keys have been fetched yet, so the token can't be verified."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A running fetch: `ended` is set at its end; requests wait for that until `until` at most."""

    ended: threading.Event
    until: float


class RemoteKeys:
    """The keys of the endpoint at `url`, shared by all threads. The first lookup starts the first fetch.

    One fetch runs at a time, in a thread of its own. Only the request that started it waits; the others use the last
    keys. While there are none, all wait. A failed fetch keeps the last keys.
    """

    def __init__(
        self, url: str, refresh_s: float = REFRESH_S, max_age_s: float = MAX_AGE_S, cooldown_s: float = COOLDOWN_S
    ) -> None:
        self._url = url
        self._refresh_s, self._max_age_s, self._cooldown_s = refresh_s, max_age_s, cooldown_s
        self._lock = threading.Lock()
        #: The last keys; the same object until they change.
        self.current: Keys | None = None
        self._fetched_at = self._not_before = float("-inf")
        self._fetch: Fetch | None = None

    def find(self, key_id: str, algorithm: str) -> PyJWK | None:
        """The endpoint's key with that id and algorithm, if any. Raises `KeysUnavailable`."""
        name = (key_id, algorithm)
        known = (self.current or {}).get(name)
        age_s = time.monotonic() - self._fetched_at
        if known is not None and age_s < self._refresh_s:
            return known
        fetch, started = self._start_fetch()
        if fetch is not None and (self.current is None or (started and (known is None or age_s > self._max_age_s))):
            fetch.ended.wait(remaining(max(0.0, fetch.until - time.monotonic())))
        if self.current is None:
            raise KeysUnavailable
        return self.current.get(name)

    def _start_fetch(self) -> tuple[Fetch | None, bool]:
        """The running fetch, or None during the cooldown, and whether this call started it."""
        with self._lock:
            now = time.monotonic()
            if self._fetch is not None or now < self._not_before:
                return self._fetch, False
            fetch = Fetch(threading.Event(), now + WAIT_S)
            threading.Thread(target=self._run, args=[fetch], name="jwks", daemon=True).start()
            self._fetch = fetch
            return fetch, True

    def _run(self, fetch: Fetch) -> None:
        try:
            keys = fetch_keys(self._url)
        except JwksError as error:
            log.warning("keys_unavailable", extra={"error": str(error)})
        else:
            self._fetched_at = time.monotonic()
            if self.current is None or _values(keys) != _values(self.current):
                self.current = keys
                log.info("keys_changed", extra={"keys": [key_id for key_id, _ in keys]})
        finally:
            with self._lock:
                self._not_before = time.monotonic() + self._cooldown_s
                self._fetch = None
            fetch.ended.set()


def _values(keys: Keys) -> dict[tuple[str, str], object]:
    return {name: key.key for name, key in keys.items()}

"""The keys that verify tokens signed by the platform's sign-in, as its JWKS endpoint last gave them."""

import logging
import threading
import time
from dataclasses import dataclass

from jwt import PyJWK

from app.auth.jwks import JwksError, Keys, fetch_keys
from app.database.deadline import remaining

#: Known keys are asked for again after this, without anybody waiting, …
REFRESH_S = 5 * 60.0
#: … and past this are believed only if the endpoint, asked once more, gives no answer.
MAX_AGE_S = 10 * 60.0
#: Between the end of one fetch and the next, whoever asks for unknown keys.
COOLDOWN_S = 5.0
#: What a request waits for a fetch, at most: with all that is left to do it takes less than 2 s.
WAIT_S = 1.5

log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """The endpoint has not given any keys yet, so whether a token is good can't be told."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One that runs: `ended` is set when it has, and requests wait for that no longer than `until`."""

    ended: threading.Event
    until: float


class RemoteKeys:
    """The keys of the endpoint at `url`, shared by all threads. Nothing is fetched before the first is asked for.

    One fetch runs at a time, in a thread of its own; only the request that began it waits, and the others make do with
    the last keys. While there are none, all wait. A fetch that fails leaves the keys as they are.
    """

    def __init__(
        self, url: str, refresh_s: float = REFRESH_S, max_age_s: float = MAX_AGE_S, cooldown_s: float = COOLDOWN_S
    ) -> None:
        self._url = url
        self._refresh_s, self._max_age_s, self._cooldown_s = refresh_s, max_age_s, cooldown_s
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._fetched_at = self._not_before = float("-inf")
        self._fetch: Fetch | None = None

    @property
    def current(self) -> Keys | None:
        """The last keys; the same object for as long as they are the same keys."""
        return self._keys

    def find(self, key_id: str, algorithm: str) -> PyJWK | None:
        """The key of that id for that algorithm, if the endpoint has one. Raises `KeysUnavailable`."""
        name = (key_id, algorithm)
        known = (self._keys or {}).get(name)
        age_s = time.monotonic() - self._fetched_at
        if known is not None and age_s < self._refresh_s:
            return known
        fetch, began = self._begin_fetch()
        if fetch is not None and (self._keys is None or (began and (known is None or age_s > self._max_age_s))):
            fetch.ended.wait(remaining(max(0.0, fetch.until - time.monotonic())))
        if self._keys is None:
            raise KeysUnavailable
        return self._keys.get(name)

    def _begin_fetch(self) -> tuple[Fetch | None, bool]:
        """The fetch that runs, if any may just now, and whether this call began it."""
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
            self._take(fetch_keys(self._url))
        except JwksError as error:
            log.warning("keys_unavailable", extra={"error": str(error)})
        finally:
            with self._lock:
                self._not_before = time.monotonic() + self._cooldown_s
                self._fetch = None
            fetch.ended.set()

    def _take(self, keys: Keys) -> None:
        self._fetched_at = time.monotonic()
        if self._keys is None or _values(keys) != _values(self._keys):
            self._keys = keys
            log.info("keys_changed", extra={"keys": [key_id for key_id, _ in keys]})


def _values(keys: Keys) -> dict[tuple[str, str], object]:
    return {name: key.key for name, key in keys.items()}

"""One POST to an address that its receiver's owner chose: checked, bounded, and never led elsewhere.

The name is resolved once, every address it has must be public, and it is these addresses that are connected to: what a
second look-up would say can't matter. TLS is checked against the name. There is no redirect, no proxy, no environment
in here, and no more of an answer is read than its head and the first piece of its body.
"""

import base64
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse

from app.database.deadline import SocketGuard
from app.generation.webhooks.urls import WebhookUrl, is_public

#: Seconds for a name to be resolved, for one address to answer at all, and for everything together.
RESOLVE_S = 5.0
CONNECT_S = 5.0
TOTAL_S = 10.0
#: Bytes of an answer's body that are read.
EXCERPT_BYTES = 500
#: Characters that are kept of why there was none.
REASON_CHARACTERS = 200

#: The addresses of a host, as text. Raises OSError.
Resolve = Callable[[str, int], list[str]]

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: its status, what its `Retry-After` asks for in seconds, how its body begins."""

    status: int
    retry_after_s: float | None
    excerpt: str


class NoAnswer(Exception):
    """Nobody answered in time, or nobody may be asked; the message says why."""


class Refused(NoAnswer):
    """The name leads to an address that is not public."""


def resolve(host: str, port: int) -> list[str]:
    """As the machine's own resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Poster:
    """Sends bodies, from several threads at once."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._resolve = resolve
        self._guard = SocketGuard()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Trusts whom the machine trusts."""
        return ssl.create_default_context()

    def post(self, url: WebhookUrl, headers: Mapping[str, str], body: bytes) -> Answer:
        """The receiver's answer, `TOTAL_S` after the call at the latest. Raises `NoAnswer`."""
        end = time.monotonic() + TOTAL_S
        try:
            sock = self._connect(url, self._addresses(url), end)
            connection = HTTPConnection(url.host, url.port)
            connection.sock = sock
            try:
                # A descriptor of its own: that of the connection is closed, and may be another's, before we are out.
                with sock.dup() as twin, self._guard.guard(twin.fileno(), _left(end)):
                    if url.scheme == "https":
                        connection.sock = self._tls.wrap_socket(sock, server_hostname=url.host)
                    return _exchange(connection, url, headers, body, end)
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError) as error:
            if time.monotonic() >= end:
                raise NoAnswer(f"no answer within {TOTAL_S:g} s") from error
            raise NoAnswer(_reason(error)) from error

    def _addresses(self, url: WebhookUrl) -> list[str]:
        addresses = [url.host] if url.is_address else _within(RESOLVE_S, lambda: self._resolve(url.host, url.port))
        if not addresses:
            raise NoAnswer("the name has no address")
        if not url.allowed and not all(map(is_public, addresses)):
            raise Refused("the name leads to an address that is not public")
        return addresses

    def _connect(self, url: WebhookUrl, addresses: list[str], end: float) -> socket.socket:
        """A connection to the first of the addresses that takes one."""
        for position, address in enumerate(addresses, start=1):
            try:
                sock = socket.create_connection((address, url.port), timeout=min(CONNECT_S, _left(end)))
            except OSError:
                if position == len(addresses):
                    raise
            else:
                sock.settimeout(_left(end))
                return sock
        raise AssertionError("there is an address")


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, as a number or a date; None where it says neither."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _exchange(
    connection: HTTPConnection, url: WebhookUrl, headers: Mapping[str, str], body: bytes, end: float
) -> Answer:
    own = {"Host": url.authority, "Connection": "close", "Accept-Encoding": "identity"}
    if url.credentials is not None:
        own["Authorization"] = f"Basic {base64.b64encode(url.credentials.encode()).decode()}"
    connection.request("POST", url.target, body, {**headers, **own})
    with connection.getresponse() as response:
        _left(end)  # a head that was cut off looks like one that is complete
        retry_after_s = read_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        return Answer(response.status, retry_after_s, _excerpt(response))


def _excerpt(response: HTTPResponse) -> str:
    """What came of the body at once; the status counts, whatever becomes of the rest."""
    try:
        piece = response.read1(EXCERPT_BYTES)
    except (OSError, HTTPException):
        return ""
    return piece.decode("utf-8", "replace").replace("\0", "�")


def _reason(error: Exception) -> str:
    """The error in words that can be stored and shown; some of it the receiver may have said."""
    words = "".join(character if character.isprintable() else "�" for character in str(error))
    return f"{type(error).__name__}: {words}"[:REASON_CHARACTERS]


def _left(end: float) -> float:
    """The seconds until then. Raises TimeoutError when there are none."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time is left")
    return left


def _within(seconds: float, ask: Callable[[], list[str]]) -> list[str]:
    """What `ask` returned or raised, if it did in time. A thread of its own waits on for a resolver that hangs."""
    done: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put(ask())
        except (OSError, UnicodeError) as error:
            done.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=run, name="resolve", daemon=True).start()
    try:
        found = done.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"the name was not resolved within {seconds:g} s") from None
    if isinstance(found, OSError):
        raise found
    return found

"""One POST to a URL that the receiver's owner chose, safe against SSRF and bounded in time and size.

The name is resolved once, all its addresses must be public, and the connection goes to one of these addresses, so a
second look-up can't redirect it. TLS is verified against the name. There are no redirects, no proxies and no settings
from the environment, and only the head and the beginning of the body of a response are read.
"""

import base64
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse

from app.database.deadline import SocketGuard
from app.generation.webhooks.urls import WebhookUrl, is_public
from app.protocol.interim_responses import skip_interim

#: Seconds to resolve a name, to connect to one address, and for the whole request.
RESOLVE_S = 5.0
CONNECT_S = 5.0
TOTAL_S = 10.0
#: Bytes of a response's body that are read.
EXCERPT_BYTES = 500
#: Characters that are kept of why there was no response.
REASON_CHARACTERS = 200

#: Returns the addresses of a host, as text. Raises OSError.
Resolve = Callable[[str, int], list[str]]

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Response:
    """A receiver's response: its status, the seconds that its `Retry-After` asks for, the beginning of its body."""

    status: int
    retry_after_s: float | None
    excerpt: str


class NoResponse(Exception):
    """There was no response in time, or the request may not be sent; the message says why."""


class AddressRefused(NoResponse):
    """The name has an address that is not public."""


def resolve(host: str, port: int) -> list[str]:
    """Asks the machine's own resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class WebhookClient:
    """Sends bodies to receivers; safe to use from several threads at once."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._resolve = resolve
        self._guard = SocketGuard()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def post(self, url: WebhookUrl, headers: Mapping[str, str], body: bytes) -> Response:
        """Returns the receiver's response within `TOTAL_S`. Raises `NoResponse`."""
        end = time.monotonic() + TOTAL_S
        try:
            connection = HTTPConnection(url.host, url.port)
            connection.sock = sock = _connect(self._addresses(url), url.port, end)
            try:
                # The guard has its own descriptor: the connection's may be closed and reused before the block ends.
                with sock.dup() as twin, self._guard.guard(twin.fileno(), _left(end)):
                    if url.scheme == "https":
                        connection.sock = self._tls.wrap_socket(sock, server_hostname=url.host)
                    connection.sock = skip_interim(connection.sock)
                    return _exchange(connection, url, headers, body, end)
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError) as error:
            if time.monotonic() >= end:
                raise NoResponse(f"no response within {TOTAL_S:g} s") from error
            raise NoResponse(_printable(error)) from error

    def _addresses(self, url: WebhookUrl) -> list[str]:
        addresses = [url.host] if url.is_address else self._resolve_in_time(url)
        if not url.allowed and not all(map(is_public, addresses)):
            raise AddressRefused("the name leads to an address that is not public")
        return addresses

    def _resolve_in_time(self, url: WebhookUrl) -> list[str]:
        """A resolver that hangs can't be interrupted: it gets a thread of its own, which is abandoned."""
        addresses: Future[list[str]] = Future()

        def run() -> None:
            try:
                addresses.set_result(self._resolve(url.host, url.port))
            except (OSError, UnicodeError) as error:
                addresses.set_exception(error)

        threading.Thread(target=run, name="resolve", daemon=True).start()
        try:
            return addresses.result(timeout=RESOLVE_S)
        except TimeoutError:
            raise TimeoutError(f"the name was not resolved within {RESOLVE_S:g} s") from None


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, as a number or a date; None if it is neither."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _connect(addresses: list[str], port: int, end: float) -> socket.socket:
    """A connection to the first address that accepts one."""
    failure: Exception = NoResponse("the name has no address")
    for address in addresses:
        try:
            sock = socket.create_connection((address, port), timeout=min(CONNECT_S, _left(end)))
        except OSError as error:
            failure = error
        else:
            sock.settimeout(_left(end))
            return sock
    raise failure


def _exchange(
    connection: HTTPConnection, url: WebhookUrl, headers: Mapping[str, str], body: bytes, end: float
) -> Response:
    own = {"Host": url.authority, "Connection": "close", "Accept-Encoding": "identity"}
    if url.credentials is not None:
        own["Authorization"] = f"Basic {base64.b64encode(url.credentials.encode()).decode()}"
    connection.request("POST", url.target, body, {**headers, **own})
    with connection.getresponse() as response:
        _left(end)  # a head that was cut off looks like a complete one
        retry_after_s = read_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        return Response(response.status, retry_after_s, _excerpt(response))


def _excerpt(response: HTTPResponse) -> str:
    """The first piece of the body. The status counts even if the body breaks off."""
    try:
        piece = response.read1(EXCERPT_BYTES)
    except (OSError, HTTPException):
        return ""
    return piece.decode("utf-8", "replace").replace("\0", "�")


def _printable(error: Exception) -> str:
    """The error as text that can be stored and shown; some of it may come from the receiver."""
    words = "".join(character if character.isprintable() else "�" for character in str(error))
    return f"{type(error).__name__}: {words}"[:REASON_CHARACTERS]


def _left(end: float) -> float:
    """The seconds until then. Raises TimeoutError when there are none."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time is left")
    return left

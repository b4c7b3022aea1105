"""The WSGI application as an ASGI one.

The event loop receives bodies and sends responses, and a pool of threads runs the application in between. So a client
holds no thread, however slowly it sends or reads.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from app.protocol.request_environ import MAX_BODY, REJECTED, Rejection
from app.server.environ import Scope, check_head, make_environ

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

#: How long a body may take. A response takes at most 5 s, and the application needs the rest.
BODY_S = 3.5
#: How long the rest of a body is read and thrown away, so that a client that sends all of it reads the response.
DRAIN_S = 2.0
#: The longest pause between two looks at a stream; a change ends it.
STREAM_PAUSE_S = 5.0


class Stream(Protocol):
    """A response body that is sent while it is made."""

    def on_change(self, callback: Callable[[], object]) -> None:
        """The callback is called, in any thread, whenever there may be something to send."""

    def step(self) -> bytes | None:
        """What there is to send now, perhaps nothing; None at the end. Does not wait for a change."""

    def close(self) -> None: ...


class Body(NamedTuple):
    """A request's body as far as it was read; `rest`: there may be more of it."""

    data: bytes = b""
    rest: bool = False
    rejected: Rejection | None = None


class Answer(NamedTuple):
    """What the application responds with."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes | Stream


class Application:
    """The ASGI application. At most `threads` calls of the WSGI application run at once."""

    def __init__(self, wsgi: "WSGIApplication", threads: int) -> None:
        self._wsgi = wsgi
        self._threads = ThreadPoolExecutor(threads, "request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = make_environ(scope)
        body = await _receive_body(environ, receive)
        if body is None:  # the client is gone, and what it sent is not whole
            return
        if rejected := check_head(scope, environ) or body.rejected:
            environ[REJECTED] = rejected
        environ["wsgi.input"] = io.BytesIO(body.data)
        status, headers, content = await self.run(environ)
        if body.rest:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if not isinstance(content, bytes):
            await self._send_stream(content, receive, send)
            content = b""
        elif body.rest:
            await send({"type": "http.response.body", "body": content, "more_body": True})
            content = b""
            await _drain(receive)
        await send({"type": "http.response.body", "body": content, "more_body": False})

    async def run(self, environ: "WSGIEnvironment") -> Answer:
        """The application's answer; it runs in a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, environ)

    def _run(self, environ: "WSGIEnvironment") -> Answer:
        started: list[Any] = []

        def start_response(*start: Any) -> Callable[[bytes], object]:
            started[:] = start
            return _refuse_write

        body = self._wsgi(environ, start_response)
        content = cast(Stream, body) if hasattr(body, "on_change") else _join(body)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in started[1]]
        return Answer(int(started[0][:3]), headers, content)

    async def _send_stream(self, stream: Stream, receive: Receive, send: Send) -> None:
        """Sends the stream until it ends or its client is gone. A client that does not read makes it wait."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(changed.set)

        stream.on_change(wake)
        gone = loop.create_task(_until_gone(receive))
        gone.add_done_callback(lambda _: changed.set())
        try:
            while not gone.done():
                changed.clear()
                chunk = await loop.run_in_executor(self._threads, stream.step)
                if chunk is None:
                    return
                if chunk:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                else:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), STREAM_PAUSE_S)
        finally:
            gone.cancel()
            await loop.run_in_executor(self._threads, stream.close)


async def _receive_body(environ: Mapping[str, Any], receive: Receive) -> Body | None:
    """The body, up to a little more than `MAX_BODY`, or why it is not read. None: the client is gone."""
    declared = environ.get("CONTENT_LENGTH", "0")
    if "HTTP_TRANSFER_ENCODING" not in environ:
        if declared == "0":
            return Body()
        if int(declared) > MAX_BODY:
            return Body(rest=True)
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while len(data) <= MAX_BODY:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                data += message["body"]
                if not message["more_body"]:
                    return Body(bytes(data))
    except TimeoutError:
        return Body(rest=True, rejected=Rejection.REQUEST_TIMEOUT)
    return Body(bytes(data[: MAX_BODY + 1]), rest=True)  # the application rejects it, if it reads it


async def _drain(receive: Receive) -> None:
    """The rest of the body has been received, or the client is gone, or `DRAIN_S` have passed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while (await receive()).get("more_body"):
                pass


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _join(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        if close := getattr(body, "close", None):
            close()


def _refuse_write(_: bytes) -> None:
    """WSGI's older way to send a body, which no framework of today uses."""
    raise RuntimeError("Return the body instead of calling write().")

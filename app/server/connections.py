"""Connections of the API: uvicorn's, with limits on what a client may send and on how long it may take."""

import asyncio
import resource
from collections import deque
from http import HTTPStatus
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.protocol.request_environ import REJECTED, Rejection
from app.server.asgi import Answer
from app.server.environ import MAX_TARGET, make_environ

#: Open connections of one process. A new one beyond them takes the place of the one that waits longest for its client.
MAX_CONNECTIONS = 2048
#: The longest head: request line and headers.
MAX_HEAD = 64 * 1024
#: Requests without a response on one connection. A client that sends more before it reads is cut off.
MAX_PIPELINED = 100
#: How long a head may take from its first byte.
HEAD_S = 10.0
#: How long a connection stays open after a last response, so that a client that still sends reads it.
LINGER_S = 2.0


class Connection(HttpToolsProtocol):
    """One connection. It waits for its client to send a request, or the rest of one, or to read what it was sent."""

    #: The connections of this process that wait for their clients, the one that has done so longest first.
    _waiting: ClassVar[dict["Connection", None]] = {}

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._timer: asyncio.TimerHandle | None = None
        self._head_began: float | None = None
        self._head_bytes = 0
        self._in_body = False
        self._lingers = False
        #: The requests without a complete response, in order; several if the client does not wait.
        self._open: deque[RequestResponseCycle] = deque()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_timer(self.timeout_keep_alive)
        self._wait()
        if len(self.connections) > _room():
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.pop(self, None)
        self._set_timer(None)
        for cycle in self._open:  # uvicorn does so for the last one
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._lingers:
            return
        if not self._in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._lingers:
            return
        if self._head_bytes > MAX_HEAD:
            self._reject(Rejection.HEADERS_TOO_LARGE if self.headers else Rejection.URI_TOO_LONG)
        elif not self._open:
            self._head_began = self._head_began or self.loop.time()
            self._set_timer(self._head_began + HEAD_S - self.loop.time())

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. True: it may still read, and gets the responses to what it has sent."""
        if self._lingers:
            return True
        if not self._open or self._open[0].chunked_encoding:  # a stream's client has left, as far as anyone can tell
            return False
        if self._in_body:
            if self.cycle.response_started:
                return False
            self._reject(Rejection.BAD_REQUEST)
        self.cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._open and not self._in_body:
            self._waiting.pop(self, None)

    def on_headers_complete(self) -> None:
        if len(self._open) == MAX_PIPELINED:
            raise ValueError("Too many requests at once")  # for the parser, which ends with an error
        self._wait()
        self._set_timer(None)
        self._head_began, self._head_bytes = None, 0
        super().on_headers_complete()
        self._in_body = True
        self._open.append(self.cycle)
        if self.parser.should_upgrade():  # to nothing that is served; what follows would not be parsed
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._waiting.pop(self, None)
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._open.popleft()
        super().on_response_complete()
        if not self._open and not self.transport.is_closing():
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls it when the request is not valid HTTP."""
        self._reject(Rejection.URI_TOO_LONG if self.scope and len(self.url) > MAX_TARGET else Rejection.BAD_REQUEST)

    def _reject(self, code: Rejection) -> None:
        """Responds with that error, in the shape of the path, and closes.

        Only closes if an earlier request has no response yet, for the client would take this one for it.
        """
        self._set_timer(None)
        if self._in_body and len(self._open) == 1 and not self.cycle.response_started:
            self.cycle.disconnected = True  # the application gets nothing of a body that is not whole
            self.cycle.message_event.set()
        elif self._open:
            self.transport.abort()
            return
        self._lingers = True
        method, path = (self.parser.get_method().decode(), self.url) if self.scope else ("GET", b"/")
        scope: Any = {"method": method, "http_version": "1.1", "server": self.server, "client": self.client}
        scope |= {"raw_path": path.partition(b"?")[0][:100], "query_string": b"", "headers": []}
        task = self.loop.create_task(self._send_rejection(make_environ(scope) | {REJECTED: code}))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _send_rejection(self, environ: dict[str, Any]) -> None:
        application: Any = self.app
        answer: Answer = await application.run(environ)
        if self.transport.is_closing():
            return
        self.transport.write(_render(answer))
        self.transport.write_eof()
        self._set_timer(LINGER_S)

    def _wait(self) -> None:
        """From now on the connection waits for its client."""
        self._waiting.pop(self, None)
        self._waiting[self] = None

    def _set_timer(self, seconds: float | None) -> None:
        """The connection will be closed after that time; None: not by this timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)


def _room() -> int:
    """How many connections may be open: half of the limit of open files is for them."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft // 2)


def _render(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode(), b"connection: close"]
    lines += [name + b": " + value for name, value in answer.headers]
    return b"\r\n".join([*lines, b"", cast(bytes, answer.body)])

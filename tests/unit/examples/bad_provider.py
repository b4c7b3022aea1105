"""A server of chat completions on loopback that answers each request as a test says, also as no server should."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What is done with a request: it writes the whole response.
Behaviour = Callable[[BaseHTTPRequestHandler, threading.Event], None]

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@dataclass
class BadProvider:
    """`behaviours` are used in their order, the last one for ever. `requests` has each body with its headers."""

    url: str
    behaviours: list[Behaviour]
    requests: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)


@contextmanager
def providing(*behaviours: Behaviour) -> Iterator[BadProvider]:
    """The server runs until the block is left."""
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            provider.requests.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.close_connection = True
            behave = provider.behaviours.pop(0) if len(provider.behaviours) > 1 else provider.behaviours[0]
            with suppress(OSError):  # the client has hung up
                behave(self, is_over)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        provider = BadProvider(f"http://127.0.0.1:{server.server_port}/v1", list(behaviours))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            is_over.set()
            server.shutdown()
            thread.join()


def chunk(text: str | None = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """One piece of an answer."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m-2", "choices": [choice], **more}


def whole(text: str = "Текст", usage: dict[str, Any] | None = USAGE) -> list[Any]:
    """The events of a whole answer."""
    last = [chunk(choices=[], usage=usage)] if usage else []
    return [chunk(""), chunk(text[:2]), chunk(text[2:]), chunk(reason="stop"), *last, "[DONE]"]


def status(code: int, body: Any = None, **headers: str) -> Behaviour:
    """An error."""

    def answer(request: BaseHTTPRequestHandler, is_over: threading.Event) -> None:
        text = body if isinstance(body, str) else json.dumps(body or {"error": {"message": f"no: {code}"}})
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text.encode())))
        request.end_headers()
        request.wfile.write(text.encode())

    return answer


def stream(*events: Any, end: str = "close", every_s: float = 0) -> Behaviour:
    """These events, text as it is; then `end`: "close" whole, "cut" within a chunk, or "hang"."""

    def answer(request: BaseHTTPRequestHandler, is_over: threading.Event) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for event in events:
            data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
            line = f"{data}\n\n" if data.startswith(":") else f"data: {data}\n\n"
            request.wfile.write(b"%x\r\n%s\r\n" % (len(line.encode()), line.encode()))
            request.wfile.flush()
            is_over.wait(every_s)
        if end == "hang":
            is_over.wait(30)
        request.wfile.write(b"ff\r\nda" if end == "cut" else b"0\r\n\r\n")

    return answer


def hang(request: BaseHTTPRequestHandler, is_over: threading.Event) -> None:
    """No answer at all."""
    is_over.wait(30)


def hang_up(request: BaseHTTPRequestHandler, is_over: threading.Event) -> None:
    """The connection is closed without an answer."""

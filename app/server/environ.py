"""The head of a request as WSGI has it."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from app.protocol.request_environ import ARRIVED, Rejection

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: A request's head in ASGI.
Scope = Mapping[str, Any]

#: The longest path and query together.
MAX_TARGET = 64 * 1024


def make_environ(scope: Scope) -> "WSGIEnvironment":
    """The WSGI environment of a request, without its body."""
    server, client = scope["server"] or ("", None), scope["client"]
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        ARRIVED: time.monotonic(),
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper(), raw_value.strip(b" \t").decode("latin-1")
        if "_" in name:  # would be taken for the name with a hyphen
            continue
        name = name.replace("-", "_")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        environ[name] = f"{environ[name]},{value}" if name in environ else value
    return environ


def check_head(scope: Scope, environ: Mapping[str, Any]) -> Rejection | None:
    """Why no route should act on a request with this head."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_TARGET:
        return Rejection.URI_TOO_LONG
    if scope["http_version"] == "1.1" and sum(name == b"host" for name, _ in scope["headers"]) != 1:
        return Rejection.BAD_REQUEST
    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower() != "chunked":
        return Rejection.NOT_IMPLEMENTED
    return None

"""Flask, spared what it would find out or make anew for every request."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, Request, Response
from flask.json.provider import DefaultJSONProvider
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: The largest body a route takes, in bytes.
MAX_BODY = 64 * 1024


class PlainRequest(Request):
    """A request of an application where no hook and no limit is a blueprint's or a view's own."""

    max_content_length = MAX_BODY
    blueprints = ()  # type: ignore[assignment]


class WholeResponse(Response):
    """An answer that goes to the server in one piece, unless it is a stream.

    Of an iterator the server sends the headers while it asks for the first piece, and that by itself.
    """

    def get_app_iter(self, environ: "WSGIEnvironment") -> Iterable[bytes]:
        """The answer's parts: a list, unless they are still to be made."""
        parts = super().get_app_iter(environ)
        if not self.is_sequence:
            return parts
        try:
            return list(parts)
        finally:
            self.close()


class FastJSONProvider(DefaultJSONProvider):
    """As the framework's own, except for what it costs and the blanks between a text's parts."""

    sort_keys = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """The value as JSON text; `kwargs` are for what only the framework's own can write."""
        try:
            return orjson.dumps(obj).decode()
        except orjson.JSONEncodeError:  # it has text that UTF-8 can't hold, or a number of more than 64 bits
            return super().dumps(obj, **kwargs)


class NoSessions(SessionInterface):
    """A caller shows a token; nothing is kept of one for the next request."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """The one that can't be written to, and is never sent."""
        return self._none


class Service(Flask):
    """The service's application."""

    request_class = PlainRequest
    response_class = WholeResponse
    json_provider_class = FastJSONProvider
    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function: all are synchronous here."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the request's route by path and method alone: none depends on the host."""
        if request is None:
            return None
        return self.url_map.bind("", path_info=request.path, default_method=request.method)

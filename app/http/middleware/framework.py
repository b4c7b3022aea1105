"""Flask, spared what it would find out or make anew for every request."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, Request, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


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


class Service(Flask):
    """The service's application."""

    response_class = WholeResponse
    json_provider_class = FastJSONProvider

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function: all are synchronous here."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the request's route by path and method alone: none depends on the host."""
        if request is None:
            return None
        return self.url_map.bind("", path_info=request.path, default_method=request.method)

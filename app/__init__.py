"""The service's front door: `create_app()` makes the Flask application."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from werkzeug.routing import MapAdapter

from app.cli import register_commands
from app.http import register_routes
from app.log import configure_logging
from app.services import make_services
from app.settings import Settings, read_settings


class Service(Flask):
    """The framework's application, spared what it would find out anew for every request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function: all are synchronous here."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the request's route by path and method alone: none depends on the host."""
        if request is None:
            return None
        return self.url_map.bind("", path_info=request.path, default_method=request.method)


def create_app(settings: Settings | None = None) -> Flask:
    """The application, from the given settings or the environment. Touches no server.

    Raises `BadSettings`.
    """
    settings = settings or read_settings()
    configure_logging("api", settings.log_level, settings.app_env, settings.app_version)
    app = Service(__name__, static_folder=None)
    app.extensions["services"] = make_services(settings)
    register_routes(app, settings)
    register_commands(app)
    return app

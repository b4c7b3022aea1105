"""The service's front door: `create_app()` makes the Flask application."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.settings import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The application, from the given settings or the environment. Touches no server.

    Raises `BadSettings`.
    """
    # A worker imports this package, too, and is ready sooner and smaller without Flask, routes and commands.
    from flask import Flask

    from app.cli import register_commands
    from app.http import register_routes
    from app.services import make_services
    from app.settings import read_settings
    from app.telemetry.log import configure_logging

    settings = settings or read_settings()
    configure_logging("api", settings.log_level, settings.app_env, settings.app_version)
    app = Flask(__name__, static_folder=None)
    app.extensions["services"] = make_services(settings)
    register_routes(app, settings)
    register_commands(app)
    return app

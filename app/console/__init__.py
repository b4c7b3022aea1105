"""The operators' console: pages to see why courses hang, and to act. It is a process of its own."""

from dataclasses import replace

from flask import Flask

from app.auth.operators import OperatorTokens
from app.console import access, actions, error_pages, languages, presentation, sign_in
from app.console.fragments import Snapshots
from app.console.pages import bulk, generation, generations, listings, now
from app.database.reading import ReadOnlyDatabase
from app.http.middleware.request_context import RequestContextMiddleware
from app.protocol.request_environ import MAX_BODY
from app.services import make_services
from app.settings import Settings

#: The database's connections of the console, in all.
POOL_SIZE = 2
#: The longest time that a statement of a page may take.
STATEMENT_TIMEOUT_S = 2.0


def create_console(settings: Settings) -> Flask:
    """The console's application. Touches no server."""
    app = Flask(__name__)
    services = replace(make_services(replace(settings, pool_size=POOL_SIZE)), settings=settings)
    app.extensions["services"] = services
    reading = replace(services, db=ReadOnlyDatabase(services.db, STATEMENT_TIMEOUT_S))
    app.extensions["reading"] = reading
    app.extensions["operator_tokens"] = OperatorTokens(settings)
    app.extensions["snapshots"] = Snapshots()
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.wsgi_app = RequestContextMiddleware(app.wsgi_app, {})  # type: ignore[method-assign]
    access.register_access(app)
    error_pages.register_errors(app)
    languages.register_languages(app)
    presentation.register_filters(app, settings)
    for module in (sign_in, now, generations, generation, bulk, listings, actions):
        app.register_blueprint(module.blueprint)
    return app

"""The console's process."""

from app.console import create_console
from app.server.serve import serve_console

#: Requests that are served at once.
THREADS = 4


def main() -> None:
    """Serves the console until SIGTERM or SIGINT."""
    serve_console(create_console, THREADS)

"""The console's process."""

from app.console import create_console
from app.server.serve import serve_console

#: Requests that are served at once: more than may have a connection or wait for one (`Database`), so that some thread
#: is always free for what needs none, such as `/healthz`.
THREADS = 24


def main() -> None:
    """Serves the console until SIGTERM or SIGINT."""
    serve_console(create_console, THREADS)

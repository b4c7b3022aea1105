"""`python -m app.server`: the API under its production server, in the foreground, from the environment alone."""

import gc
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces

from app.database.preflight import check_database, refusal
from app.server.scheduling import give_each_its_own, let_wakers_go_on
from app.server.streams import set_streams_apart
from app.settings import BadSettings, Settings, read_settings
from app.telemetry.counters import shared_counts
from app.telemetry.log import configure_logging

#: How many connections one process keeps open, busy or idle; the next wait to be accepted. Half of the usual limit of
#: open files, and far more than a reverse proxy keeps.
CONNECTIONS = 512


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. A server process that dies is started again."""
    set_streams_apart()
    let_wakers_go_on()
    if settings.api_affinity == "auto":
        give_each_its_own(settings.api_processes)
    Granian(
        "wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.api_processes,
        blocking_threads=settings.api_threads,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, round(settings.shutdown_grace_s)),
        backlog=1024,
        backpressure=CONNECTIONS + settings.sse_connections,
        log_dictconfig={
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": "app.telemetry.log.LineFormatter",
                    "service": "api",
                    "environment": settings.app_env,
                    "version": settings.app_version,
                }
            },
            "handlers": {
                "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
            },
            "loggers": {"_granian": {"handlers": ["stdout"], "level": settings.log_level, "propagate": False}},
        },
    ).serve()


def main() -> None:
    try:
        settings = read_settings()
    except BadSettings as error:
        sys.exit(str(error))
    configure_logging("api", settings.log_level, settings.app_env, settings.app_version)
    if names := check_database(settings):
        sys.exit(refusal(names))
    # The server's processes are forked and share what is loaded by now, for as long as no collection writes to it.
    gc.freeze()
    with shared_counts(settings.metrics_dir):
        serve(settings)


if __name__ == "__main__":
    main()

"""The API under its production server, in the foreground, configured by the environment alone."""

import gc
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from app.database.pool import Unmigrated
from app.database.preflight import check_database
from app.server.cpu_scheduling import disable_wakeup_preemption, pin_each_child_to_a_cpu
from app.server.streams import move_streams_to_threads
from app.settings import BadSettings, Settings, read_settings
from app.telemetry.counters import shared_counters
from app.telemetry.log import configure_logging

#: Open connections of one process, busy or idle; more wait to be accepted. Half of the usual limit of open files, and
#: far more than a reverse proxy keeps open.
CONNECTIONS = 512


def main() -> None:
    """Serves until SIGTERM or SIGINT. Exits with a message if the settings or the database are not usable."""
    try:
        settings = read_settings()
    except BadSettings as error:
        sys.exit(str(error))
    configure_logging("api", settings.log_level, settings.app_env, settings.app_version)
    if names := check_database(settings.database_url, pooled=settings.database_pooled):
        sys.exit(str(Unmigrated(names)))
    # The server's processes are forked and share the objects loaded by now until a collection writes to them.
    gc.freeze()
    with shared_counters(settings.api_processes):
        serve(settings)


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, and restarts server processes that die."""
    move_streams_to_threads()
    disable_wakeup_preemption()
    if settings.api_affinity == "auto":
        pin_each_child_to_a_cpu(settings.api_processes)
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
        log_level=LogLevels(settings.log_level.lower()),
        # Its lines go to the root logger, which `configure_logging` has set up.
        log_dictconfig={"formatters": {}, "handlers": {}, "loggers": {"_granian": {"propagate": True}}},
    ).serve()

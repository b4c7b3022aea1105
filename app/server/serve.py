"""The API under its production server, in the foreground, configured by the environment alone."""

import gc
import os
import resource
import socket
import sys

from app.database.pool import Unmigrated
from app.database.preflight import check_database
from app.server.connections import MAX_CONNECTIONS
from app.server.cpu_scheduling import disable_wakeup_preemption, pin_each_child_to_a_cpu
from app.server.listeners import listen
from app.server.process import serve
from app.server.processes import hold_signals, run_processes
from app.settings import BadSettings, Settings, read_settings
from app.telemetry.counters import shared_counters
from app.telemetry.log import configure_logging

#: Open files of one process, half of them connections.
OPEN_FILES = 2 * MAX_CONNECTIONS


def main() -> None:
    """Serves until SIGTERM or SIGINT. Exits with a message if settings, database or port are not usable."""
    hold_signals()  # before any thread starts
    try:
        settings = read_settings()
    except BadSettings as error:
        sys.exit(str(error))
    configure_logging("api", settings.log_level, settings.app_env, settings.app_version)
    if names := check_database(settings.database_url, pooled=settings.database_pooled):
        sys.exit(str(Unmigrated(names)))
    with shared_counters(settings.api_processes):
        _serve(settings)


def _serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, and restarts server processes that die."""
    try:
        listeners = listen(settings.host, settings.port, settings.api_processes)
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        sys.exit(f"The API can't listen on {settings.host}:{settings.port}: {reason}.")
    _raise_open_files()
    disable_wakeup_preemption()
    if settings.api_affinity == "auto":
        pin_each_child_to_a_cpu(settings.api_processes)

    def serve_one(number: int) -> None:
        serve(settings, listeners[number], [other for other in listeners if other is not listeners[number]])

    # The processes are forked and share the objects loaded by now until a collection writes to them.
    gc.freeze()
    if not run_processes(settings.api_processes, serve_one, settings.shutdown_grace_s):
        sys.exit("A server process died as soon as it had started.")


def _raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

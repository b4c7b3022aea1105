"""The API and the console under their production server, in the foreground, configured by the environment alone."""

import gc
import os
import resource
import socket
import sys
from collections.abc import Callable
from functools import partial

from flask import Flask

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
from app.telemetry.tracing import start_tracing

#: Open files of one process, half of them connections.
OPEN_FILES = 2 * MAX_CONNECTIONS


def main() -> None:
    """Serves until SIGTERM or SIGINT. Exits with a message if settings, database or port are not usable."""
    hold_signals()  # before any thread starts
    settings = _settings("api")
    if names := check_database(settings.database_url, pooled=settings.database_pooled):
        sys.exit(str(Unmigrated(names)))
    with shared_counters(settings.api_processes):
        listeners = _listen("API", settings.host, settings.port, settings.api_processes)
        disable_wakeup_preemption()
        if settings.api_affinity == "auto":
            pin_each_child_to_a_cpu(settings.api_processes)
        _run("api", settings, partial(_make_api, settings), settings.api_threads, listeners)


def serve_console(make_app: Callable[[Settings], Flask], threads: int) -> None:
    """Serves the operators' console, in one process, as `main` the API. It starts without a database, too."""
    hold_signals()
    settings = _settings("console")
    listeners = _listen("console", settings.console_host, settings.console_port, 1)
    _run("console", settings, partial(make_app, settings), threads, listeners)


def _settings(service: str) -> Settings:
    try:
        settings = read_settings()
    except BadSettings as error:
        sys.exit(str(error))
    configure_logging(service, settings.log_level, settings.app_env, settings.app_version)
    return settings


def _listen(name: str, host: str, port: int, processes: int) -> list[socket.socket]:
    try:
        return listen(host, port, processes)
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        sys.exit(f"The {name} can't listen on {host}:{port}: {reason}.")


def _make_api(settings: Settings) -> Flask:
    from wsgi import app

    start_tracing("api", settings.app_env, settings.app_version, settings.otel_exporter_otlp_endpoint)

    return app


def _run(
    kind: str, settings: Settings, make_app: Callable[[], Flask], threads: int, listeners: list[socket.socket]
) -> None:
    """Serves until SIGTERM or SIGINT, one process for each listener, and restarts processes that die."""
    _raise_open_files()

    def serve_one(number: int) -> None:
        others = [other for other in listeners if other is not listeners[number]]
        serve(kind, settings, make_app, threads, listeners[number], others)

    # The processes are forked and share the objects loaded by now until a collection writes to them.
    gc.freeze()
    if not run_processes(len(listeners), serve_one, settings.shutdown_grace_s):
        sys.exit("A server process died as soon as it had started.")


def _raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

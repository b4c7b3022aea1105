"""One server process: uvicorn around the application, until SIGTERM or the death of the process that started it."""

import asyncio
import logging
import multiprocessing
import signal
import socket
from collections.abc import Callable, Sequence

from flask import Flask
from uvicorn import Config, Server

from app.server.asgi import Application
from app.server.connections import Connection
from app.services import Services
from app.settings import Settings


class ApiServer(Server):
    """Ends the streams as soon as it stops, since it waits for open responses."""

    def __init__(self, config: Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if parent := multiprocessing.parent_process():
            asyncio.get_running_loop().add_reader(parent.sentinel, self._follow, parent.sentinel)

    def _follow(self, sentinel: int) -> None:
        asyncio.get_running_loop().remove_reader(sentinel)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.watch.close()
        await super().shutdown(sockets)


def serve(
    settings: Settings,
    make_app: Callable[[], Flask],
    threads: int,
    listener: socket.socket,
    others: Sequence[socket.socket],
) -> None:
    """Serves until the process is to end; requests that have come are answered, and buffered events are written."""
    for other in others:
        other.close()
    app = make_app()  # made here: the parent has no use for it, and a fork should copy neither locks nor pools
    services: Services = app.extensions["services"]
    config = Config(
        Application(app, threads),
        http=Connection,
        ws="none",
        loop="uvloop",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_s / 2)),
    )
    server = ApiServer(config, services)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
    server.run([listener])
    services.close()
    logging.shutdown()

"""One server process: uvicorn around the application, until SIGTERM or the death of the process that started it."""

import asyncio
import logging
import multiprocessing
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from flask import Flask
from uvicorn import Config, Server

from app.server.asgi import Application
from app.server.connections import Connection
from app.services import Services
from app.services.registration import Registration
from app.settings import Settings


class ApiServer(Server):
    """Ends the streams as soon as it stops, since it waits for open responses.

    Its signs of life come from the threads that serve requests: while none of them is free, the process gives none.
    """

    def __init__(
        self, config: Config, application: Application, services: Services, registration: Registration
    ) -> None:
        super().__init__(config)
        self._application, self._services, self._registration = application, services, registration
        self._signs: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._signs = asyncio.create_task(self._give_signs())
        if parent := multiprocessing.parent_process():
            asyncio.get_running_loop().add_reader(parent.sentinel, self._follow, parent.sentinel)

    def _follow(self, sentinel: int) -> None:
        asyncio.get_running_loop().remove_reader(sentinel)
        self.should_exit = True

    async def _give_signs(self) -> None:
        while True:
            with suppress(RuntimeError):  # no thread can be started just now
                await self._application.call(partial(self._registration.keep, self._services.db))
            await asyncio.sleep(self._services.settings.heartbeat_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._signs is not None:
            self._signs.cancel()
        self._services.watch.close()
        await super().shutdown(sockets)


def serve(
    kind: str,
    settings: Settings,
    make_app: Callable[[], Flask],
    threads: int,
    listener: socket.socket,
    others: Sequence[socket.socket],
) -> None:
    """Serves until the process is to end; requests that have come are answered, and buffered events are written.

    `kind`: what it is, for `coursegen.processes`.
    """
    for other in others:
        other.close()
    app = make_app()  # made here: the parent has no use for it, and a fork should copy neither locks nor pools
    services: Services = app.extensions["services"]
    application, registration = Application(app, threads), Registration(kind, settings)
    config = Config(
        application,
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
    server = ApiServer(config, application, services, registration)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
    server.run([listener])
    if registration.is_kept:
        registration.remove(services.db)
    services.close()
    logging.shutdown()

"""What is done to the service: one harm at a time, of every kind in turn, and its end when it has one."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil
import redis

from stack.interrupts import held
from stack.server import Server
from stack.services import Stack


@dataclass(slots=True)
class Struck:
    """A harm that was done, and from when to when it lasted."""

    kind: str
    began: datetime
    ended: datetime | None = None


class Harms:
    """Not safe for threads, and for the main one: servers are started under interrupts that are held back."""

    def __init__(self, stack: Stack, choice: random.Random) -> None:
        self.struck: list[Struck] = []
        self._stack = stack
        self._postgres, self._redis = stack.servers
        self._choice = choice
        self._deck: list[str] = []
        self._healing: list[tuple[float, Struck, Callable[[], None]]] = []
        self._kinds: dict[str, Callable[[], Callable[[], None] | None]] = {
            "API killed": lambda: self._signal("api", signal.SIGKILL),
            "API frozen": lambda: self._freeze(self._stack.supervisor.pid("api")),
            "a process of the API killed": lambda: self._kill_child("api"),
            "worker killed": lambda: self._signal("worker", signal.SIGKILL),
            "worker asked to stop": lambda: self._signal("worker", signal.SIGTERM),
            "worker frozen": lambda: self._freeze(self._stack.supervisor.pid("worker")),
            "a handler's process killed": lambda: self._kill_child("worker"),
            "upkeep killed": lambda: self._signal("upkeep", signal.SIGKILL),
            "upkeep frozen": lambda: self._freeze(self._stack.supervisor.pid("upkeep")),
            "PostgreSQL killed": lambda: self._kill(self._postgres),
            "PostgreSQL away": lambda: self._kill(self._postgres),
            "PostgreSQL restarted": self._restart,
            "PostgreSQL frozen": lambda: self._freeze(self._postgres.pid),
            "Redis killed": lambda: self._kill(self._redis),
            "Redis away": lambda: self._kill(self._redis),
            "Redis frozen": lambda: self._freeze(self._redis.pid),
            "Redis emptied": self._empty,
        }

    def strike(self) -> Struck:
        """The next harm was done, the last one's effect ended; each kind comes once before any comes again."""
        self.heal()
        if not self._deck:
            self._deck = sorted(self._kinds)
            self._choice.shuffle(self._deck)
        kind = self._deck.pop()
        struck = Struck(kind, datetime.now(UTC))
        self.struck.append(struck)
        lasts = self._choice.uniform(3, 9) if kind.endswith(("away", "frozen")) else 0.0
        with held():  # an interrupt must not find a server frozen that nobody will wake
            heal = self._kinds[kind]()
            if heal is None:
                struck.ended = datetime.now(UTC)
            else:
                self._healing.append((time.monotonic() + lasts, struck, heal))
        return struck

    def tend(self) -> None:
        """Harms whose time is over have ended."""
        self._heal(lambda due: due <= time.monotonic())

    def heal(self) -> None:
        """No harm lasts any longer."""
        self._heal(lambda due: True)

    def during(self, began: datetime, ended: datetime) -> Iterator[Struck]:
        """Every harm that can have to do with what went on in this time: those of shortly before included."""
        for struck in self.struck:
            last = struck.ended or datetime.now(UTC)
            if struck.began <= ended and last >= began - timedelta(seconds=10):
                yield struck

    def _heal(self, is_due: Callable[[float], bool]) -> None:
        for entry in list(self._healing):
            due, struck, heal = entry
            if is_due(due):
                with held():
                    self._healing.remove(entry)
                    heal()
                    struck.ended = datetime.now(UTC)

    def _signal(self, name: str, number: signal.Signals) -> None:
        pid = self._stack.supervisor.pid(name)
        if pid is not None:
            os.kill(pid, number)

    def _kill_child(self, name: str) -> None:
        """One of the processes it started, busy or not, is killed."""
        pid = self._stack.supervisor.pid(name)
        with suppress(psutil.Error):
            children = psutil.Process(pid).children(recursive=True) if pid is not None else []
            serving = [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
            if serving:
                self._choice.choice(serving).kill()

    def _kill(self, server: Server) -> Callable[[], None]:
        server.kill()

        def bring_back() -> None:
            server.start()

        return bring_back

    def _restart(self) -> None:
        self._postgres.restart()

    def _freeze(self, pid: int | None) -> Callable[[], None]:
        family: list[psutil.Process] = []
        if pid is not None:
            with suppress(psutil.Error):
                # The parent first, so that it starts nobody meanwhile.
                parent = psutil.Process(pid)
                family.append(parent)
                parent.suspend()
                for child in parent.children(recursive=True):
                    family.append(child)
                    with suppress(psutil.Error):
                        child.suspend()

        def wake() -> None:
            for process in family:
                with suppress(psutil.Error):
                    process.resume()

        return wake

    def _empty(self) -> None:
        with suppress(redis.RedisError), redis.Redis.from_url(self._stack.redis_url, socket_timeout=2) as client:
            client.flushall()

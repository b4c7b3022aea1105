"""A stack on a stand: how its API and its worker start, and what a request to it looks like."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from bench.environment.stage_handlers import EMPTY, SLOW
from bench.environment.stand import Stand
from bench.environment.statements import peer_statements
from bench.load.ready_courses import Ready
from tasks.supervision.supervisor import Command, Supervisor
from tasks.supervision.watchdog import kill_group
from tasks.supervision.workers import worker_commands

#: Of every API.
PROCESSES = 2
#: Stages that a worker runs at once.
CONCURRENCY = 4


@dataclass(frozen=True, slots=True)
class Stack:
    """`slug` names its processes and logs. Each stack has a database of Redis, and all share one of PostgreSQL.

    In `api` the part `{port}` stands for the port. `setup` runs before the API starts.
    """

    name: str
    slug: str
    redis_database: int
    api: Sequence[str]
    worker: Sequence[str]
    setup: Sequence[str] = ()
    request: Callable[[Ready, UUID | None], bytes] = lambda course, _: course.generate

    @property
    def worker_name(self) -> str:
        """The name of the process whose time counts."""
        return f"{self.slug}-worker"

    def start_api(self, stand: Stand) -> int:
        """Returns the port of its API, which is ready."""
        environment = self._environment(stand)
        if self.setup:
            stand.run([part.replace("{database}", stand.database_url) for part in self.setup], environment)
        return stand.serve(self.slug, self.api, **environment)

    def start_worker(self, stand: Stand, stage_s: float = 0.0) -> "StartedWorker":
        """Starts its worker; each stage waits `stage_s` in place of work."""
        commands = self._worker_commands(stand, stage_s)
        return StartedWorker(stand.start(*commands), [command.name for command in commands])

    def _worker_commands(self, stand: Stand, stage_s: float) -> list[Command]:
        environment = stand.environment(**self._environment(stand)) | {"STAGE_S": str(stage_s)}
        log = stand.folder / f"{self.worker_name}.log"
        return [Command(self.worker_name, self.worker, environment, log)]

    def _environment(self, stand: Stand) -> dict[str, str]:
        return {
            "REDIS_URL": f"{stand.redis_url.removesuffix('/0')}/{self.redis_database}",
            "STATEMENTS": json.dumps(peer_statements()),
            "WORKERS": str(PROCESSES),
            "WORKER_CONCURRENCY": str(CONCURRENCY),
        }


class Service(Stack):
    """This project's own API and workers. `stage_s` other than zero makes its stages slow."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("this service", "api", 0, (), ())

    @property
    def worker_name(self) -> str:
        return "worker"

    def start_api(self, stand: Stand) -> int:
        return stand.start_api(API_PROCESSES=str(PROCESSES))

    def _worker_commands(self, stand: Stand, stage_s: float) -> list[Command]:
        handlers = SLOW if stage_s else EMPTY
        return worker_commands(stand.environment(**handlers, WORKER_CONCURRENCY=str(CONCURRENCY)), stand.folder)


@dataclass(frozen=True, slots=True)
class StartedWorker:
    """The processes of a stack's worker."""

    supervisor: Supervisor
    names: Sequence[str]

    def stop(self) -> None:
        """Asks the processes to end, and waits for that."""
        self.supervisor.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Its process groups are frozen inside, so that none of them runs what is queued meanwhile."""
        groups = self._groups()
        for group in groups:
            os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            for group in groups:
                os.killpg(group, signal.SIGCONT)

    def kill(self) -> None:
        """Kills its process groups, without a warning."""
        for group in self._groups():
            kill_group(group)
        self.supervisor.stop()

    def _groups(self) -> list[int]:
        return [pid for name in self.names if (pid := self.supervisor.pid(name)) is not None]

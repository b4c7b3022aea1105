"""Workers for tests: the App on the shared servers, run until the queue is empty, in this process."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services
from app.settings import Settings
from tasks.worker_app import WorkerApp, make_app
from tests.integration.factories import Course
from tests.integration.tasks.processes import WorkerProcess
from tests.logs import logging_restored
from tests.tokens import SECRET

HERE = "tests.integration.tasks.handlers"

MakeWorker = Callable[..., WorkerApp]
StartGeneration = Callable[..., UUID]


@pytest.fixture
def files_root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def make_worker(clean: None, settings: Settings, files_root: Path) -> Iterator[MakeWorker]:
    """Makes a worker's App; `handlers` replaces those of some stages by functions of the tests."""
    made: list[WorkerApp] = []
    with logging_restored():

        def make(handlers: dict[Stage, str] | None = None, **changes: Any) -> WorkerApp:
            paths = {stage: name if "." in name else f"{HERE}.{name}" for stage, name in (handlers or {}).items()}
            varied = {"files_root": files_root, "retry_backoff_s": 0.05, "worker_concurrency": 1, **changes}
            app = make_app(replace(settings, handlers={**settings.handlers, **paths}, **varied))
            made.append(app)
            return app

        yield make
        for app in made:
            app.children.stop()
            app.services.close()


@pytest.fixture
def start_generation(services: Services) -> StartGeneration:
    """Admits a course as its owner; returns the generation's id."""

    def start(course: Course, tier: Tier = Tier.FREE, webhook_url: str | None = None) -> UUID:
        order = Order(course.id, webhook_url, request_id="request-1")
        return services.admissions.admit(Caller(course.user_id, tier), order).generation_id

    return start


def work(app: WorkerApp, *queues: str) -> None:
    """The worker has run until no job of these queues was ready, by default that of the stages."""

    async def run() -> None:
        async with app.open_async():
            served = list(queues) or ["stages"]
            await app.run_worker_async(wait=False, install_signal_handlers=False, queues=served)

    asyncio.run(run())


@contextmanager
def working(app: WorkerApp, *queues: str, on_stop: Callable[[], object] = lambda: None) -> Iterator[None]:
    """The worker runs, in a thread of its own, until the block is left, and then ends as on a signal."""
    ready: Future[Callable[[], object]] = Future()

    async def run() -> None:
        async with app.open_async():
            worker = asyncio.create_task(app.run_worker_async(install_signal_handlers=False, queues=list(queues)))
            loop = asyncio.get_running_loop()
            ready.set_result(lambda: loop.call_soon_threadsafe(worker.cancel))
            await asyncio.gather(worker, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        stop = ready.result(10)
        yield
        stop()
        on_stop()
    finally:
        thread.join(30)


def work_until_final(app: WorkerApp, conn: psycopg.Connection[DictRow], generation_id: UUID) -> None:
    """The worker has run until the generation is final, through its backoffs."""

    async def run() -> None:
        async with app.open_async():
            worker = asyncio.create_task(app.run_worker_async(install_signal_handlers=False, queues=["stages"]))
            try:
                async with asyncio.timeout(60):
                    while status_of(conn, generation_id) in ("queued", "running") and not worker.done():
                        await asyncio.sleep(0.05)
            finally:
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)

    asyncio.run(run())


def status_of(conn: psycopg.Connection[DictRow], generation_id: UUID) -> str | None:
    row = conn.execute("select status::text from coursegen.generations where id = %s", [generation_id]).fetchone()
    return None if row is None else str(row["status"])


@pytest.fixture
def start_worker(
    clean: None, database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers; none is left after the test."""
    started: list[WorkerProcess] = []

    def start(
        *arguments: str,
        handlers: dict[Stage, str] | None = None,
        only: str | None = None,
        cwd: Path | None = None,
        python: str = sys.executable,
        **environment: str,
    ) -> WorkerProcess:
        values = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "JWT_SECRET": SECRET,
            "FILES_ROOT": str(tmp_path),
            "WORKER_CONCURRENCY": "1",
            "SHUTDOWN_GRACE_S": "2",
            **{f"HANDLER_{stage.value}": f"{HERE}.{name}" for stage, name in (handlers or {}).items()},
            **environment,
        }
        worker = WorkerProcess(
            values, tmp_path / f"worker-{len(started)}.log", *arguments, only=only, cwd=cwd, python=python
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
        worker.process.wait()

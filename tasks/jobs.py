"""The queue's jobs as the worker has them: ended with their run, and the next one taken with the same statement."""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker

from app.generation.runs import Completed, Taker

#: How long a worker that ends tries to give back what it took.
PATIENCE_S = 2.0


class StageWorker(Worker):
    """As Procrastinate's own, and known to stop as soon as it is told to."""

    is_stopping = False

    def stop(self) -> None:
        """No job is begun any more."""
        self.is_stopping = True
        super().stop()  # type: ignore[no-untyped-call]

    def wake(self) -> None:
        """The worker asks for a job, if it has a place free. Called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._new_job_event.set)


class Jobs(JobManager):
    """As Procrastinate's own, but for the jobs whose stage was completed.

    Their end, and the taking of the next job in their place, are part of the statement that completed the stage. Apart,
    each would be a transaction of its own, and of everything about an empty stage the dearest.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self._worker: StageWorker | None = None
        #: Whether the worker found nothing when it last asked, and waits to be woken.
        self._is_idle = True
        self._ended: set[int] = set()
        self._taken: deque[Job] = deque()

    def serve(self, worker: StageWorker) -> None:
        """What is taken from now on is this worker's."""
        self._worker = worker

    def taker(self) -> Taker | None:
        """Who takes a job with the end of another; None for a worker that begins no more. Called from any thread."""
        worker = self._worker
        if worker is None or worker.worker_id is None or worker.is_stopping or not worker.wait:
            return None
        return Taker(worker.worker_id, None if worker.queues is None else list(worker.queues))

    def note(self, job_id: int, completed: Completed) -> None:
        """What was committed with the stage of this job. Called before the job's task returns, from any thread."""
        if completed.job:
            self._ended.add(job_id)
        if completed.taken is not None:
            self._taken.append(Job.from_row(dict(completed.taken)))
            if self._is_idle and self._worker is not None:
                self._worker.wake()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next job, now this worker's; None where there is none."""
        job = None if self._taken else await super().fetch_job(queues, worker_id)
        # In this order: who takes one meanwhile looks whether it is to wake the worker after it has left it here.
        self._is_idle = job is None
        if job is None and self._taken:
            self._is_idle = False
            return self._taken.popleft()
        return job

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        """The job is over."""
        if job_id in self._ended:
            self._ended.discard(job_id)
        else:
            await super().finish_job_by_id_async(job_id, status, delete_job)

    async def put_back(self) -> None:
        """What was taken and not begun waits again, for any worker. What can't be put back is taken over."""
        self._worker = None
        while self._taken:
            job = self._taken.popleft()
            with suppress(ConnectorException, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self.retry_job(job, retry_at=datetime.now(UTC))

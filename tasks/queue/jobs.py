"""The queue's jobs as the worker has them: ended with their run, and the next one taken with the same statement."""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from procrastinate import JobContext
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job, Notification, Status
from procrastinate.manager import JobManager, NotificationCallback
from procrastinate.worker import Worker

from app.generation.queue import STAGES
from app.generation.runs.begin_complete import Completed, Taker
from tasks.queue.inventory import Inventory

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

    Their end, and the taking of the next job, are part of the statement that completed the stage, and the place goes on
    with what was taken. Else each would be a transaction of its own, and a job's way through the event loop would cost
    as much again as all there is to do for an empty stage.
    """

    def __init__(self, connector: BaseConnector, inventory: Inventory) -> None:
        super().__init__(connector)
        self._inventory = inventory
        #: Whose jobs these are, while it runs.
        self.worker: StageWorker | None = None
        #: By the job whose task they are, as Procrastinate knows it.
        self._places: dict[int, Place] = {}
        #: Taken by a place that does not run it, and not begun.
        self._taken: deque[Job] = deque()

    def serve(self, worker: StageWorker) -> None:
        """What is taken from now on is this worker's."""
        self.worker = worker

    def enter(self, context: JobContext) -> "Place":
        """The place in which this job runs, and perhaps others after it, until Procrastinate finishes its job."""
        assert context.job.id is not None  # noqa: S101 - a fetched job has one
        place = self._places[context.job.id] = Place(self, self._inventory, context, context.job)
        return place

    def taker(self) -> Taker | None:
        """Who takes a job with the end of another; None for a worker that begins no more. Called from any thread."""
        worker = self.worker
        if worker is None or worker.worker_id is None or worker.is_stopping or not worker.wait:
            return None
        return Taker(worker.worker_id, None if worker.queues is None else list(worker.queues))

    def begins(self, job: Job) -> bool:
        """Whether a place that is free may go on with the job."""
        return job.task_name in STAGES and self.worker is not None and not self.worker.is_stopping

    def pass_on(self, job: Job) -> None:
        """The worker begins the job as any other, or puts it back if it stops. Called from any thread."""
        self._taken.append(job)
        if self.worker is not None:
            self.worker.wake()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next job, now this worker's; None where there is none."""
        job = None if self._taken else await super().fetch_job(queues, worker_id)
        # One that was taken meanwhile has woken the worker perhaps too early.
        return self._taken.popleft() if job is None and self._taken else job

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        """The job that its task ended with is over, unless it ended with its run."""
        place = self._places.pop(job_id, None)
        if place is None:
            await super().finish_job_by_id_async(job_id, status, delete_job)
        elif place.job is not None and place.job.id is not None:
            await super().finish_job_by_id_async(place.job.id, status, delete_job)

    async def list_jobs_to_abort_async(self, queue: str | None = None) -> Iterable[int]:
        """Ids of running jobs that are to be aborted; those in hand are told."""
        ids = await super().list_jobs_to_abort_async(queue)
        self._abort(ids)
        return ids

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Listens for ever; those in hand are told that they are to be aborted."""

        async def tell(*, channel: str, notification: Notification) -> None:
            if notification["type"] == "abort_job_requested":
                self._abort([notification["job_id"]])
            await on_notification(channel=channel, notification=notification)

        await super().listen_for_jobs(on_notification=tell, queues=queues)

    async def put_back(self) -> None:
        """What was taken and not begun waits again, for any worker. What can't be put back is taken over."""
        self.worker = None
        while self._taken:
            job = self._taken.popleft()
            with suppress(ConnectorException, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self.retry_job(job, retry_at=datetime.now(UTC))

    def _abort(self, ids: Iterable[int]) -> None:
        asked = set(ids)
        for place in list(self._places.values()):
            if place.job is not None and place.job.id in asked:
                place.aborted = place.job.id


@dataclass(slots=True)
class Place:
    """One of the places in which a worker runs jobs, as many at a time as its concurrency.

    For Procrastinate one job runs in it, `context`'s; `job` is the one in hand, None when the last has ended.
    """

    jobs: Jobs
    inventory: Inventory
    context: JobContext
    job: Job | None
    aborted: int | None = None

    def go_on(self, completed: Completed | None) -> Job | None:
        """The job to run now: the same, gone on to its next stage, or the one taken with its end. None: leave."""
        if completed is None:
            return None
        taken = None if completed.taken is None else Job.from_row(dict(completed.taken))
        ended = self.job
        if taken is not None and ended is not None and taken.id == ended.id:
            self.job = taken
            return taken
        self.job = None if completed.job else ended
        if taken is not None and self.job is None and self.jobs.begins(taken):
            self.job = taken
        elif taken is not None:
            self.jobs.pass_on(taken)
        if self.job is ended:
            return None
        self.inventory.exchange(ended, self.job)
        return self.job

    def leave(self) -> None:
        """What is in hand is the queue's to finish."""
        self.inventory.exchange(self.job, None)

    def abort_reason(self) -> AbortReason | None:
        """Why the job in hand is to be aborted, if it is."""
        reason = self.context.abort_reason()
        if self.job is None or self.job.id == self.context.job.id or reason is AbortReason.SHUTDOWN:
            return reason
        return AbortReason.USER_REQUEST if self.aborted == self.job.id else None

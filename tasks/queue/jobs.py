"""What a worker asks of the queue, tied to its pulse: a failed question is asked again, and a dead worker says nothing.

Procrastinate asks through its `JobManager`, whose class this is.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from procrastinate import exceptions
from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from app.database.queries import QUERIES
from app.services.registration import Registration
from tasks.queue.contact import Contact
from tasks.queue.pulse import Pulse

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Who a worker is, as `coursegen.workers` and `coursegen.processes` have it."""

    name: str
    queues: Sequence[str]
    registration: Registration


class WorkerJobs(JobManager):
    """The queue for one worker. `held` are the jobs that it runs, `is_closed` whether it takes no more."""

    def __init__(
        self,
        connector: BaseConnector,
        worker: Worker,
        pulse: Pulse,
        contact: Contact,
        held: Collection[int],
        is_closed: Callable[[], bool],
    ) -> None:
        super().__init__(connector)
        self._worker, self._pulse, self._contact, self._held = worker, pulse, contact, held
        self._is_closed = is_closed

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next job; None if there is none, if it can't be fetched just now, or if the worker takes no more."""
        if self._is_closed():
            return None
        try:
            job = await super().fetch_job(queues, worker_id)
        except exceptions.ConnectorException as error:
            self._pulse.problem = f"no job can be fetched: {_explain(error)}"
            log.warning("fetch_failed", extra={"error": _explain(error)})
            return None
        self._pulse.beat()
        self._contact.note()
        return job

    async def register_worker(self) -> int:
        """The id of the worker, which is stored with what it serves."""
        worker_id = await super().register_worker()
        try:
            await self._keep(worker_id)
        except asyncio.CancelledError:  # told to stop meanwhile; Procrastinate does not know the id yet
            await self.unregister_worker(worker_id)
            raise
        return worker_id

    async def unregister_worker(self, worker_id: int) -> None:
        try:
            await self.connector.execute_query_async(QUERIES["remove_worker"], id=worker_id)
            await super().unregister_worker(worker_id)
        except exceptions.ConnectorException as error:  # upkeep removes it later
            log.warning("unregister_failed", extra={"error": _explain(error)})

    async def update_heartbeat(self, worker_id: int) -> None:
        """Sends a heartbeat if the worker has served since the last one."""
        if not self._pulse.has_beaten():
            return
        try:
            await self._keep(worker_id)
        except exceptions.ConnectorException as error:
            log.warning("heartbeat_failed", extra={"error": _explain(error)})

    async def prune_stalled_workers(self, seconds_since_heartbeat: float) -> list[int]:
        """Leaves dead workers to take-over and upkeep: one of them may be about to wake up."""
        return []

    async def defer_periodic_job(self, job: Job, periodic_id: str, defer_timestamp: int) -> int | None:
        """Defers the job, unless another worker did or the database is away: the next one is due soon."""
        try:
            return await super().defer_periodic_job(job, periodic_id, defer_timestamp)
        except exceptions.ConnectorException as error:
            log.warning("periodic_job_lost", extra={"task": job.task_name, "error": _explain(error)})
            return None

    async def list_jobs_to_abort_async(self, queue: str | None = None) -> Iterable[int]:
        try:
            return await super().list_jobs_to_abort_async(queue)
        except exceptions.ConnectorException as error:
            log.warning("aborts_unknown", extra={"error": _explain(error)})
            return []

    async def _keep(self, worker_id: int) -> None:
        worker = self._worker
        row = await self.connector.execute_query_one_async(
            QUERIES["keep_worker"],
            id=worker_id,
            name=worker.name,
            queues=list(worker.queues),
            jobs=list(self._held),
            **worker.registration.describe(),
        )
        worker.registration.is_kept = True
        self._contact.note()
        if row["outcome"] == "restored":
            log.warning("worker_row_restored")


def _explain(error: exceptions.ConnectorException) -> str:
    return str(error.__cause__ or error).strip()

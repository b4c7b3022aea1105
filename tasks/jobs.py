"""The queue's jobs as the worker ends them: those that ended with their run are not ended again."""

from procrastinate.connector import BaseConnector
from procrastinate.jobs import Status
from procrastinate.manager import JobManager


class Jobs(JobManager):
    """As Procrastinate's own, and told which jobs the transaction that completed their stage has ended.

    Ending them once more would be a transaction for nothing, and an error, since their rows are gone.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self._ended: set[int] = set()

    def ended(self, job_id: int) -> None:
        """The job's end is committed. Called before its task returns, from any thread."""
        self._ended.add(job_id)

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        """The job is over."""
        if job_id in self._ended:
            self._ended.discard(job_id)
        else:
            await super().finish_job_by_id_async(job_id, status, delete_job)

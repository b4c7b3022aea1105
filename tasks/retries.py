"""When the queue itself runs a job again: only when the runner could not record how the run ended.

A stage that failed, timed out or was shut down is queued again by the runner, in the transaction that says so.
What still reaches the queue is a database that was away, or a fault in the runner.
"""

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

LONGEST_WAIT_S = 30
#: Past this a fault is no outage; the job stays failed in the queue for a person to see.
MOST_RETRIES = 50


class RunAgain(BaseRetryStrategy):
    """The same row again, after 1, 2, 4 … 30 s."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= MOST_RETRIES:
            return None
        return RetryDecision(retry_in={"seconds": min(2**job.attempts, LONGEST_WAIT_S)})

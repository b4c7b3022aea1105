"""Retries of a transaction that the database refused for a moment."""

import logging

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from app.database.deadline import remaining
from app.database.pool import LOCK_TIMEOUT_S
from app.generation.database_errors import is_transient

FIRST_WAIT_S = 0.1

log = logging.getLogger(__name__)

_stop_after_attempts = stop_after_attempt(4)


def _out_of_attempts_or_time(state: RetryCallState) -> bool:
    wait_s = FIRST_WAIT_S * 2 ** (state.attempt_number - 1)
    return _stop_after_attempts(state) or remaining(at_most=60) <= wait_s + LOCK_TIMEOUT_S


def _warn(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning(
        "transaction_retry", extra={"attempt": state.attempt_number, "error": f"{type(error).__name__}: {error}"}
    )


#: The attempts at a transaction: another one only after a transient error, and while there is time. Shared by all
#: threads, since it keeps their states apart.
RETRYING = Retrying(
    retry=retry_if_exception(is_transient),
    stop=_out_of_attempts_or_time,
    wait=wait_exponential(multiplier=FIRST_WAIT_S),
    before_sleep=_warn,
    reraise=True,
)

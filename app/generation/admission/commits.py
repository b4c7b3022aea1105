"""One transaction, run until it is known to have committed, or known not to."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from app.database.deadline import remaining
from app.database.pool import LOCK_TIMEOUT_S, CommitOutcomeUnknown, Database
from app.database.queries import QUERIES
from app.generation.database_errors import domain_error, is_overloaded, is_transient
from app.generation.errors import AdmissionFailed, GenerationError, KeyInFlight, OutcomeUnknown

ATTEMPTS = 4
FIRST_WAIT_S = 0.1

T = TypeVar("T")

log = logging.getLogger(__name__)


def commit_once(
    db: Database, generation_id: UUID, write: Callable[[Connection[Any]], T], failure: Exception | None = None
) -> T | None:
    """The transaction of `write`, whose first write inserts the generation, has committed exactly once.

    With `failure` the first attempt was made elsewhere, and ended so.
    Transient errors are retried after 100, 200 and 400 ms within the current deadline. An earlier attempt whose
    outcome was unknown is found by the generation's own id. Returns what `write` did; None after such an attempt.
    Raises the domain errors of `write`, `SlotClash`, `GenerationActive`; `OutcomeUnknown`; `AdmissionFailed` or,
    without a free connection, PoolTimeout when nothing was committed.
    """
    may_exist = False
    try:
        for attempt in retrying():
            with attempt:
                try:
                    if failure is not None:
                        error, failure = failure, None
                        raise error
                    with db.transaction() as conn:
                        return write(conn)
                except CommitOutcomeUnknown:
                    may_exist = True
                    raise
                except KeyInFlight as error:
                    if may_exist:  # an earlier attempt of our own, whose commit is still under way
                        raise CommitOutcomeUnknown(str(error)) from error
                    raise
                except (GenerationError, UniqueViolation) as error:
                    # This attempt locked the course, so an earlier one's commit has ended by now, one way or the other.
                    if may_exist and _exists(db, generation_id):
                        return None
                    raise domain_error(error) from error
    except GenerationError:
        raise
    except Exception as error:
        if may_exist:
            raise OutcomeUnknown from error
        if is_overloaded(error):
            raise
        raise AdmissionFailed(exhausted=is_transient(error)) from error
    raise AssertionError("The last attempt ends in one of the above")


def retrying() -> Retrying:
    """Attempts at something the database may refuse for a moment: transient errors only, while there is time."""
    return _RETRYING


def _exists(db: Database, generation_id: UUID) -> bool:
    with db.connection() as conn:
        return conn.execute(QUERIES["generation_exists"], {"id": generation_id}).fetchone() is not None


_stop_after_attempts = stop_after_attempt(ATTEMPTS)


def _out_of_attempts_or_time(state: RetryCallState) -> bool:
    wait_s = FIRST_WAIT_S * 2 ** (state.attempt_number - 1)
    return _stop_after_attempts(state) or remaining(at_most=60) <= wait_s + LOCK_TIMEOUT_S


def _warn(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("admission_retry", extra={"attempt": state.attempt_number, "error": f"{type(error).__name__}: {error}"})


#: Shared, because what it remembers of an iteration it keeps for each thread apart.
_RETRYING = Retrying(
    retry=retry_if_exception(is_transient),
    stop=_out_of_attempts_or_time,
    wait=wait_exponential(multiplier=FIRST_WAIT_S),
    before_sleep=_warn,
    reraise=True,
)

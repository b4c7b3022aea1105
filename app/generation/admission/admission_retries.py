"""An admission's transaction, repeated until it is known whether it committed."""

from collections.abc import Callable
from typing import TypeVar

from app.database.pool import CommitOutcomeUnknown
from app.generation.database_errors import is_connection_lost, is_overloaded, is_refused, is_transient
from app.generation.errors import AdmissionFailed, GenerationError, KeyInFlight, OutcomeUnknown
from app.generation.transaction_retries import RETRYING

T = TypeVar("T")


def decide_once(decide: Callable[[], T], failure: Exception | None = None) -> T:
    """Returns what `decide` returned, called again after transient errors: after 100, 200 and 400 ms, in the deadline.

    `failure` is the error of a first attempt that was made elsewhere. `decide` must find what an earlier attempt
    committed. Raises the domain errors of `decide`; `OutcomeUnknown` if an attempt may have committed; the database's
    own error if no transaction was begun; else `AdmissionFailed`.
    """
    may_exist = False

    def attempt() -> T:
        nonlocal failure, may_exist
        try:
            if failure is not None:
                error, failure = failure, None
                raise error
            decision = decide()
            if may_exist and isinstance(decision, KeyInFlight):  # an own attempt, whose commit is under way
                raise CommitOutcomeUnknown(str(decision))
            return decision
        except CommitOutcomeUnknown:
            may_exist = True
            raise

    try:
        return RETRYING(attempt)
    except GenerationError:
        raise
    except Exception as error:
        if may_exist:
            raise OutcomeUnknown from error
        if is_overloaded(error) or is_connection_lost(error) or is_refused(error):
            raise
        raise AdmissionFailed(exhausted=is_transient(error)) from error

"""The runner: what surrounds every stage. Resolve, begin, perform, record."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from procrastinate.job_context import AbortReason
from psycopg import Connection
from tenacity import (
    RetryCallState,
    Retrying,
    before_sleep_log,
    retry_if_exception,
    stop_after_delay,
    wait_exponential_jitter,
)

from app.database.pool import Scope
from app.generation.database_errors import is_unavailable
from app.generation.errors import Superseded
from app.generation.progress.steps import STEPS
from app.generation.runs import begin_complete as runs
from app.generation.runs import setbacks
from app.generation.runs.begin_complete import Completed, OneStatementTooFew, Taker
from app.generation.runs.cancel import settle
from app.generation.runs.fence import Begun, Run
from app.services import Services
from app.telemetry.log import bind
from pipeline.child import Raised, Returned
from tasks.stages.child_pool import Children
from tasks.stages.child_process import Died, Outcome, Stopped, TimedOut
from tasks.stages.inputs import NEEDS, read_input
from tasks.stages.results import WrongResult, as_rows, check_result

#: How long a run waits for a database that is away, before the whole stage is to run again.
PATIENCE_S = 300
_stop_after_patience = stop_after_delay(PATIENCE_S)

log = logging.getLogger(__name__)

T = TypeVar("T")
AbortReasonOf = Callable[[], AbortReason | None]


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs one job's stage, from its claim to its end."""

    services: Services
    children: Children
    claim: Run
    abort_reason: AbortReasonOf
    taker: Callable[[], Taker | None] = lambda: None
    begun: Begun | None = None

    def run(self) -> Completed | None:
        """The run has ended in exactly one way, recorded in the database, or there was nothing to do.

        Says what was completed, if it was; with a `taker` the next job was taken in the same transaction. `begun`: it
        has begun already, with the end of the stage before.
        Raises what the database raised, if it was away for too long: upkeep then queues the stage again.
        """
        run = self.claim
        with bind(requestId=run.request_id, userId=run.user_id, jobId=run.generation_id, stage=run.stage.value):
            try:
                begun = self.begun or self._begin()
                if begun is None:
                    log.error("stage_starts_exhausted")
                    self._release()
                    return None
                with bind(courseId=begun.course_id, tier=begun.tier, priority=begun.priority):
                    log.info("stage_started", extra={"fence": run.fence})
                    return self._finish(begun)
            except Superseded:
                self._leave()
                return None

    def _begin(self) -> Begun | None:
        run, needs = self.claim, NEEDS[self.claim.stage]
        try:
            return self._transact(lambda conn: runs.begin(conn, run, needs, alone=True), self.services.db.statement)
        except OneStatementTooFew:
            return self._transact(lambda conn: runs.begin(conn, run, needs))

    def _finish(self, begun: Begun) -> Completed | None:
        """The run has ended; what neither handler nor outage explains counts as the stage's own failure."""
        try:
            return self._record(begun, self._perform(begun))
        except Superseded:
            # Take-over may have presumed this start dead, which would count against the stage.
            self._transact(lambda conn: setbacks.close_attempt(conn, begun))
            raise
        except Exception as error:
            if is_unavailable(error):
                raise
            self._fail(begun, "failed", f"{type(error).__name__}: {error}", trace=traceback.format_exc())
            return None

    def _perform(self, begun: Begun) -> Outcome:
        settings, stage = self.services.settings, begun.run.stage
        files_root = _resolve(settings.files_root)
        stage_input = read_input(begun.given, stage, files_root)
        outcome = self.children.run(
            settings.handlers[stage],
            stage_input,
            timeout_s=settings.stage_timeout_s,
            on_report=lambda done, total: self._report(begun, done, total),
            should_stop=lambda: self.abort_reason() is not None,
        )
        if isinstance(outcome, Died) and self.abort_reason() is not None:
            return Stopped()
        if isinstance(outcome, Returned):
            try:
                check_result(stage, outcome.result)
            except WrongResult as error:
                return Raised(f"WrongResult: {error}", "")
        return outcome

    def _record(self, begun: Begun, outcome: Outcome) -> Completed | None:
        """Folds the outcome into the one transaction that ends the run."""
        match outcome:
            case Returned(result):
                return self._complete(begun, result)
            case Stopped() if self.abort_reason() is AbortReason.USER_REQUEST:
                self._transact(lambda conn: setbacks.close_attempt(conn, begun))
                log.info("stage_cancelled")
            case Stopped():
                self._transact(lambda conn: setbacks.hand_back(conn, begun, "shutdown"))
                log.info("stage_handed_back")
            case TimedOut():
                timeout_s = self.services.settings.stage_timeout_s
                self._fail(begun, "timeout", f"Not finished after {timeout_s:g} s")
            case Died(exit_code):
                self._fail(begun, "died", f"The handler's process ended with exit code {exit_code}")
            case Raised(error, trace, message, final):
                self._fail(begun, "failed", error, trace=trace, message=message, final=final)
        return None

    def _complete(self, begun: Begun, result: Any) -> Completed:
        db, rows = self.services.db, as_rows(begun.run.stage, result)
        scope = db.transaction if begun.has_webhook else db.statement
        needs = NEEDS[begun.run.stage.next] if begun.run.stage.next else ()
        completed = self._transact(lambda conn: runs.complete(conn, begun, rows, self.taker(), needs), scope)
        log.info("stage_completed")
        if completed.generation:
            self._release()
            log.info("generation_completed")
        return completed

    def _fail(
        self,
        begun: Begun,
        outcome: str,
        error: str,
        *,
        trace: str = "",
        message: str | None = None,
        final: bool = False,
    ) -> None:
        failed = self._transact(
            lambda conn: setbacks.fail_or_retry(
                conn,
                begun,
                outcome,
                error,
                message=message or STEPS[begun.run.stage].failed,
                final=final,
                backoff_s=self.services.settings.retry_backoff_s,
            )
        )
        event = "stage_failed" if failed else "stage_to_retry"
        log.error(event, extra={"outcome": outcome, "error": error, **({"trace": trace} if trace else {})})
        if failed:
            self._release()
            log.error("generation_failed")

    def _report(self, begun: Begun, done: int, total: int) -> None:
        """Progress is worth a write, not a failure: only a lost fence stops the handler."""
        try:
            with self.services.db.transaction() as conn:
                runs.report_units(conn, begun, done, total)
        except psycopg.Error as error:
            log.warning("report_lost", extra={"error": str(error)})

    def _leave(self) -> None:
        """Somebody else's or nobody's now: nothing is written. A slot without an active generation is given back."""
        log.warning("run_superseded", extra={"fence": self.claim.fence})
        self._patiently(
            lambda: settle(self.services.db, self.services.slots, self.claim.generation_id, self.claim.user_id)
        )

    def _release(self) -> None:
        self.services.slots.release(self.claim.generation_id, self.claim.user_id)

    def _transact(self, write: Callable[[Connection[Any]], T], scope: Scope | None = None) -> T:
        """What `write` returned, in a transaction that committed; a database that is away is waited for.

        `scope`: what it runs in, `Database.transaction` unless said otherwise.
        A commit whose outcome is unknown may run `write` twice: the fence then tells it so by `Superseded`.
        """

        def transaction() -> T:
            with (scope or self.services.db.transaction)() as conn:
                return write(conn)

        return self._patiently(transaction)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """What `ask` returned, asked again while the database can't answer; given up after minutes, or at an abort."""
        try:
            return ask()
        except Exception as error:
            if not is_unavailable(error):
                raise
            return self._again(ask, error)

    def _again(self, ask: Callable[[], T], error: Exception) -> T:
        first: Exception | None = error
        for attempt in Retrying(
            retry=retry_if_exception(is_unavailable),
            stop=self._has_waited_enough,
            wait=wait_exponential_jitter(multiplier=0.1, max=3, jitter=0.1),
            before_sleep=before_sleep_log(log, logging.WARNING),
            reraise=True,
        ):
            with attempt:
                if first is not None:
                    failed, first = first, None
                    raise failed
                return ask()
        raise AssertionError("tenacity returns or raises")

    def _has_waited_enough(self, state: RetryCallState) -> bool:
        return _stop_after_patience(state) or self.abort_reason() is not None


@cache
def _resolve(path: Path) -> str:
    return str(path.resolve())

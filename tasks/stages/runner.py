"""The runner: what surrounds every stage. Count the start, begin, perform, record."""

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

from app.generation.database_errors import is_unavailable
from app.generation.errors import StartsExhausted, Superseded
from app.generation.progress.steps import STEPS
from app.generation.runs import verbs
from app.generation.runs.cancel import settle
from app.generation.runs.stage_run import BegunStage, Run, Start
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


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs a job: its generation's stages, one after the other, until the job may not go on.

    `stops`: the worker begins no more stages.
    """

    services: Services
    children: Children
    run: Run
    abort_reason: Callable[[], AbortReason | None]
    stops: Callable[[], bool] = lambda: False

    def run_stages(self) -> None:
        """Every start has ended in exactly one way, recorded in the database, or there was nothing to do.

        Raises what the database raised, if it was away for too long: upkeep then queues the stage again.
        """
        run = self.run
        with bind(requestId=run.request_id, userId=run.user_id, jobId=run.generation_id):
            try:
                begun = self._begin()
                while begun is not None:
                    start = begun.start
                    with bind(
                        courseId=start.course_id, tier=start.tier, priority=start.priority, stage=start.stage.value
                    ):
                        log.info("stage_started", extra={"fence": run.fence})
                        begun = self._finish(begun)
            except StartsExhausted:
                log.error("stage_starts_exhausted")
                self._release()
            except Superseded:
                log.warning("run_superseded", extra={"fence": run.fence})
                self._patiently(lambda: settle(self.services.db, self.services.slots, run.generation_id, run.user_id))

    def _begin(self) -> BegunStage | None:
        """The start is counted, which commits; then the stage begins. An error of that is the stage's failure."""
        start = self._verb(lambda conn: verbs.count_start(conn, self.run))
        try:
            return self._verb(lambda conn: verbs.begin_stage(conn, start, NEEDS[start.stage]))
        except psycopg.Error as error:
            if is_unavailable(error):
                raise
            with bind(stage=start.stage.value):
                self._fail(start, "failed", f"{type(error).__name__}: {error}", trace=traceback.format_exc())
            return None

    def _finish(self, begun: BegunStage) -> BegunStage | None:
        """The start has ended; returns the next stage if the job goes on with it.

        What neither handler nor outage explains counts as the stage's own failure.
        """
        start = begun.start
        try:
            return self._record(start, self._perform(begun))
        except Superseded:
            # Take-over may have presumed this start dead, which would count against the stage.
            self._verb(lambda conn: verbs.close_attempt(conn, start))
            raise
        except Exception as error:
            if is_unavailable(error):
                raise
            self._fail(start, "failed", f"{type(error).__name__}: {error}", trace=traceback.format_exc())
            return None

    def _perform(self, begun: BegunStage) -> Outcome:
        settings, start = self.services.settings, begun.start
        outcome = self.children.run(
            settings.handlers[start.stage],
            read_input(begun.input, start.stage, _resolve(settings.files_root)),
            timeout_s=settings.stage_timeout_s,
            on_report=lambda done, total: self._report(start, done, total),
            should_stop=lambda: self.abort_reason() is not None,
        )
        if isinstance(outcome, Died) and self.abort_reason() is not None:
            return Stopped()
        if isinstance(outcome, Returned):
            try:
                check_result(start.stage, outcome.result)
            except WrongResult as error:
                return Raised(f"WrongResult: {error}", "")
        return outcome

    def _record(self, start: Start, outcome: Outcome) -> BegunStage | None:
        """Folds the outcome into the one statement that ends the start."""
        match outcome:
            case Returned(result):
                return self._complete(start, result)
            case Stopped() if self.abort_reason() is AbortReason.USER_REQUEST:
                self._verb(lambda conn: verbs.close_attempt(conn, start))
                log.info("stage_cancelled")
            case Stopped():
                self._verb(lambda conn: verbs.hand_back_stage(conn, start, "shutdown"))
                log.info("stage_handed_back")
            case TimedOut():
                timeout_s = self.services.settings.stage_timeout_s
                self._fail(start, "timeout", f"Not finished after {timeout_s:g} s")
            case Died(exit_code):
                self._fail(start, "died", f"The handler's process ended with exit code {exit_code}")
            case Raised(error, trace, message, final):
                self._fail(start, "failed", error, trace=trace, message=message, final=final)
        return None

    def _complete(self, start: Start, result: Any) -> BegunStage | None:
        rows, next_stage = as_rows(start.stage, result), start.stage.next
        needs = NEEDS[next_stage] if next_stage else ()

        def complete(may_continue: bool) -> BegunStage | None:
            return self._verb(lambda conn: verbs.complete_stage(conn, start, rows, needs, may_continue=may_continue))

        may_continue = next_stage is not None and not self.stops() and self.abort_reason() is None
        try:
            begun = complete(may_continue)
        except psycopg.Error as error:
            if is_unavailable(error) or not may_continue:
                raise
            # It may be the next stage that can't begin: that is not to be this one's failure.
            begun = complete(False)
        log.info("stage_completed")
        if next_stage is None:
            self._release()
            log.info("generation_completed")
        return begun

    def _fail(
        self,
        start: Start,
        outcome: str,
        error: str,
        *,
        trace: str = "",
        message: str | None = None,
        final: bool = False,
    ) -> None:
        message = message or STEPS[start.stage].failed
        backoff_s = self.services.settings.retry_backoff_s
        ended = self._verb(
            lambda conn: verbs.fail_or_retry_stage(
                conn, start, outcome, error, message=message, final=final, backoff_s=backoff_s
            )
        )
        event = "stage_failed" if ended == "failed" else "stage_retry_scheduled"
        log.error(event, extra={"outcome": outcome, "error": error, **({"trace": trace} if trace else {})})
        if ended == "failed":
            self._release()
            log.error("generation_failed")

    def _report(self, start: Start, done: int, total: int) -> None:
        """Progress is worth a write, not a failure: only a lost fence stops the handler."""
        try:
            with self.services.db.statement() as conn:
                verbs.report_units(conn, start, done, total)
        except psycopg.Error as error:
            log.warning("report_lost", extra={"error": str(error)})

    def _release(self) -> None:
        self.services.slots.release(self.run.generation_id, self.run.user_id)

    def _verb(self, run_verb: Callable[[Connection[Any]], T]) -> T:
        """What the verb returned, run as one statement that committed; a database that is away is waited for.

        A commit whose outcome is unknown may run the verb twice: the fence then answers `Superseded`.
        """

        def run() -> T:
            with self.services.db.statement() as conn:
                return run_verb(conn)

        return self._patiently(run)

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

"""The runner: what surrounds every stage. Count the start, begin, perform, record."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
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

from app.database.deadline import deadline
from app.generation.database_errors import is_of_one_statement, is_unavailable
from app.generation.errors import StageFull, StartsExhausted, Superseded
from app.generation.progress.steps import STEPS
from app.generation.runs import verbs
from app.generation.runs.cancel import settle
from app.generation.runs.verbs import Run, Start
from app.services import Services
from app.telemetry.log import bind
from app.telemetry.traceparent import trace_id
from app.telemetry.tracing import current_span, span
from pipeline.child.wire import MAX_ERROR, MAX_TRACE, Raised, Returned, cut
from tasks.stages.child_pool import Children
from tasks.stages.child_process import Died, Outcome, Request
from tasks.stages.questions import Questions
from tasks.stages.watch import Stopped, TimedOut

#: How long a run waits for a database that is away, before it gives up and the stage is queued again.
PATIENCE_S = 300
#: How soon a database answers that is not to blame for a statement that took too long.
ANSWER_S = 1
#: What is recorded of a stage that reached a limit.
_TIMEOUTS = {
    "total": "Not finished after {:g} s",
    "silence": "No progress for {:g} s",
    "cpu": "Not finished after {:g} s of processor time",
}

log = logging.getLogger(__name__)

T = TypeVar("T")

_stop_after_patience = stop_after_delay(PATIENCE_S)


def _is_hopeless(state: RetryCallState) -> bool:
    runner: Runner = state.args[0]
    return _stop_after_patience(state) or runner.abort_reason() is not None


#: Waits while the database is away: for `PATIENCE_S`, or until an abort. Shared by all threads, since it keeps their
#: states apart.
_PATIENTLY = Retrying(
    retry=retry_if_exception(is_unavailable),
    stop=_is_hopeless,
    wait=wait_exponential_jitter(multiplier=0.1, max=3, jitter=0.1),
    before_sleep=before_sleep_log(log, logging.WARNING),
    reraise=True,
)


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs a job: its generation's stages, one after the other, while the job may go on.

    `stops`: whether the worker begins no more stages.
    """

    services: Services
    children: Children
    run: Run
    abort_reason: Callable[[], AbortReason | None]
    stops: Callable[[], bool]

    def run_stages(self) -> None:
        """Ends every start in exactly one way, recorded in the database.

        Raises the database's error if the database was away for too long: upkeep then queues the stage again.
        """
        run = self.run
        with bind(requestId=run.request_id, userId=run.user_id, jobId=run.generation_id):
            try:
                start = self._begin()
                while start is not None:
                    ids = {"courseId": start.course_id, "tier": start.tier, "priority": start.priority}
                    with (
                        bind(**ids, stage=start.stage.value, traceId=trace_id(start.traceparent)),
                        span(start.stage.value, start.traceparent, "CONSUMER", coursegen__job=str(run.generation_id)),
                    ):
                        log.info("stage_started", extra={"fence": run.fence})
                        start = self._finish(start)
            except StageFull:
                log.info("stage_full")
            except StartsExhausted:
                log.error("stage_starts_exhausted")
                self._release()
            except Superseded:
                log.warning("run_superseded", extra={"fence": run.fence})
                _PATIENTLY(Runner._settle, self)

    def _begin(self) -> Start | None:
        """Counts the start, which commits; then begins the stage. An error of the latter is the stage's failure."""
        rules = self.services.settings.rules
        start = self._verb(lambda conn: verbs.count_start(conn, self.run, rules))
        try:
            return self._verb(lambda conn: verbs.begin_stage(conn, start))
        except Superseded:
            raise
        except Exception as error:  # noqa: BLE001 - counted as the stage's failure
            with bind(stage=start.stage.value):
                self._fail_for(start, error)
            return None

    def _finish(self, start: Start) -> Start | None:
        """Performs the stage and ends its start. Returns the start of the next stage if the job goes on with it.

        An error that is not an outage counts as the stage's failure.
        """
        try:
            return self._record(start, self._perform(start))
        except Superseded:
            # Take-over may have recorded this start as died, which would count against the stage.
            self._verb(lambda conn: verbs.close_attempt(conn, start))
            raise
        except Exception as error:  # noqa: BLE001 - counted as the stage's failure
            self._fail_for(start, error)
            return None

    def _perform(self, start: Start) -> Outcome:
        settings = self.services.settings
        outcome = self.children.run(
            Request(
                start.stage.value, settings.handlers[start.stage], str(settings.files_root.absolute()), start.input
            ),
            settings.limits_of(start.stage),
            on_report=lambda done, total: self._report(start, done, total),
            should_stop=lambda: self.abort_reason() is not None,
            answer=Questions(start, settings.budget, self._verb).answer,
            on_log=lambda lines: self._keep_log(start, lines),
        )
        if isinstance(outcome, Died) and self.abort_reason() is not None:
            return Stopped()
        return outcome

    def _record(self, start: Start, outcome: Outcome) -> Start | None:
        """Ends the start by one statement, chosen by the outcome."""
        match outcome:
            case Returned():
                return self._complete(start, outcome)
            case Stopped() if self.abort_reason() is AbortReason.USER_REQUEST:
                self._verb(lambda conn: verbs.close_attempt(conn, start))
                log.info("stage_cancelled")
            case Stopped():
                self._verb(lambda conn: verbs.hand_back_stage(conn, start, "shutdown"))
                log.info("stage_handed_back")
            case TimedOut(limit):
                limits = self.services.settings.limits_of(start.stage)
                self._fail(start, "timeout", _TIMEOUTS[limit].format(getattr(limits, f"{limit}_s")))
            case Died(exit_code):
                self._fail(start, "died", f"The handler's process ended with exit code {exit_code}")
            case Raised(error, is_busy=True, pause_s=pause_s):
                self._pause(start, error, pause_s)
            case Raised(error, trace, message, final, faults):
                if faults:
                    self._verb(lambda conn: verbs.record_reader_faults(conn, start, faults))
                self._fail(start, "failed", error, trace, message, final=final)
        return None

    def _complete(self, start: Start, result: Returned) -> Start | None:
        def complete(may_continue: bool) -> Start | None:
            return self._verb(
                lambda conn: verbs.complete_stage(
                    conn, start, result.rows, result.lessons, self.services.settings.rules, may_continue=may_continue
                )
            )

        may_continue = start.stage.next is not None and not self.stops() and self.abort_reason() is None
        try:
            following = complete(may_continue)
        except psycopg.Error as error:
            if not may_continue or not self._is_to_blame(error):
                raise
            # Perhaps the next stage can't begin, which must not fail this one.
            following = complete(False)
        log.info("stage_completed")
        if start.stage.next is None:
            self._release()
            log.info("generation_completed")
        return following

    def _fail_for(self, start: Start, error: Exception) -> None:
        """Counts the error as the stage's failure. Raises it if the database is away."""
        if not self._is_to_blame(error):
            raise error
        self._fail(start, "failed", f"{type(error).__name__}: {error}", traceback.format_exc())

    def _is_to_blame(self, error: Exception) -> bool:
        """Whether the error is no outage: a database that takes the writes of others refused or delayed this one."""
        if not is_unavailable(error):
            return True
        if not is_of_one_statement(error) or self.abort_reason() is not None:
            return False
        try:
            with deadline(ANSWER_S), self.services.db.connection() as conn:
                return conn.execute("select where current_setting('transaction_read_only') = 'off'").rowcount == 1
        except psycopg.Error:
            return False

    def _fail(
        self,
        start: Start,
        outcome: str,
        error: str,
        trace: str = "",
        message: str | None = None,
        *,
        final: bool = False,
    ) -> None:
        error, trace = cut(error, MAX_ERROR), cut(trace, MAX_TRACE)
        message = message or STEPS[start.stage].failed
        rules = self.services.settings.rules[start.stage]
        ended = self._verb(
            lambda conn: verbs.fail_or_retry_stage(conn, start, outcome, error, rules, message=message, final=final)
        )
        current_span().fail(error)
        event = "stage_failed" if ended == "failed" else "stage_retry_scheduled"
        log.error(event, extra={"outcome": outcome, "error": error, **({"trace": trace} if trace else {})})
        if ended == "failed":
            self._release()
            log.error("generation_failed")

    def _pause(self, start: Start, why: str, pause_s: float | None) -> None:
        why, rules = cut(why, MAX_ERROR), self.services.settings.rules[start.stage]
        current_span().note(coursegen__paused=why)
        ended = self._verb(lambda conn: verbs.pause_stage(conn, start, why, rules, pause_s))
        log.warning("stage_paused", extra={"error": why, "seconds": pause_s})
        if ended == "failed":
            self._release()
            log.error("generation_failed")

    def _report(self, start: Start, done: float, total: int) -> None:
        """Reports progress. A database error is logged and does not stop the handler; a lost fence does."""
        try:
            with self.services.db.statement() as conn:
                verbs.report_units(conn, start, done, total)
        except psycopg.Error as error:
            log.warning("report_lost", extra={"error": str(error)})

    def _keep_log(self, start: Start, lines: str) -> None:
        """Keeps the last lines of the handler's log. Without them the stage goes on."""
        try:
            with self.services.db.statement() as conn:
                verbs.keep_log(conn, start, lines)
        except psycopg.Error as error:
            log.warning("handler_log_lost", extra={"error": str(error)})

    def _release(self) -> None:
        self.services.slots.release(self.run.generation_id, self.run.user_id)

    def _verb(self, run_verb: Callable[[Connection[Any]], T]) -> T:
        """Returns what the verb returned, as one statement that committed. Waits for a database that is away.

        If the outcome of a commit is unknown, the verb runs again: the fence then makes it raise `Superseded`.
        """
        result: T = _PATIENTLY(Runner._run_verb, self, run_verb)
        return result

    def _run_verb(self, run_verb: Callable[[Connection[Any]], T]) -> T:
        with self.services.db.statement() as conn:
            return run_verb(conn)

    def _settle(self) -> None:
        settle(self.services.db, self.services.slots, self.run.generation_id, self.run.user_id)

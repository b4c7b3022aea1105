"""What a running handler is watched for: its limits, a stop, its reports, its questions."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from app.settings.stages import StageLimits

#: How often a running handler is checked for reports, a stop, its limits and its death.
POLL_S = 0.1

#: Answers a handler's question: its fields, and a unit's result in JSON. Returns both of the answer.
Answer = Callable[[dict[str, Any], memoryview], tuple[dict[str, Any], bytes]]


@dataclass(frozen=True, slots=True)
class Calls:
    """What is called while a handler runs, in the thread that runs it. An error that one raises ends the handler.

    `on_log` gets the last lines that the handler printed and logged, once, if there are any.
    """

    on_report: Callable[[float, int], None]
    should_stop: Callable[[], bool]
    answer: Answer
    on_log: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The handler was killed at a limit of its stage."""

    limit: Literal["total", "silence", "cpu"]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The handler was killed because `should_stop` returned true, or did not begin because no process can start."""


class Watch:
    """The clocks of one run. They stand while the worker answers: a slow database is no fault of the handler."""

    def __init__(self, limits: StageLimits, calls: Calls) -> None:
        self._limits = limits
        self._calls = calls
        self._report: tuple[float, int] | None = None
        self._began = self._heard = 0.0
        self.has_begun = False
        self.look_at = time.monotonic() + POLL_S

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self.look_at

    def begin(self) -> None:
        """The handler begins."""
        self.has_begun = True
        self._began = self._heard = time.monotonic()

    def hear(self, done: float, total: int) -> None:
        """The handler has reported."""
        self._heard = time.monotonic()
        self._report = done, total

    def answer(self, question: dict[str, Any], result: memoryview) -> tuple[dict[str, Any], bytes]:
        """The answer to the handler's question, which is a sign of life."""
        asked = time.monotonic()
        answer = self._calls.answer(question, result)
        self._heard = time.monotonic()
        self._began += self._heard - asked
        return answer

    def look(self) -> TimedOut | Stopped | None:
        """Passes the last report on. Returns why the handler has to be killed. Does nothing until it is due."""
        if not self.is_due:
            return None
        now = time.monotonic()
        self.look_at = now + POLL_S
        if self._calls.should_stop():
            return Stopped()
        if self.has_begun and now - self._began > self._limits.total_s:
            return TimedOut("total")
        if self.has_begun and now - self._heard > (self._limits.silence_s or float("inf")):
            return TimedOut("silence")
        if self._report is not None:
            self._calls.on_report(*self._report)
            self._report = None
        return None

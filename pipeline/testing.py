"""Runs a handler alone, as a worker would, in this process: for the tests of plug-ins."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from pipeline.child.stage_data import as_json
from pipeline.contract import StageInput
from pipeline.work import Work


@dataclass
class Units:
    """What is kept between the runs of a course: pass it to the next run, which goes on from it.

    `results` has each saved unit by its name, `made_by` what made it. All runs together spend `calls`, `tokens` and
    `money`, within their limits.
    """

    results: dict[str, Any] = field(default_factory=dict)
    made_by: dict[str, dict[str, Any]] = field(default_factory=dict)
    most_calls: int | None = None
    most_tokens: int | None = None
    most_money: float | None = None
    calls: int = 0
    tokens: int = 0
    money: Decimal = Decimal(0)
    _hashes: dict[str, str] = field(default_factory=dict)

    def answer(self, question: dict[str, Any], result: bytes) -> tuple[dict[str, Any], bytes]:
        """What the worker would answer."""
        asked, name = question.pop("ask"), question.pop("unit", "")
        digest = question.pop("hash", None)
        if asked == "spend":
            self.tokens += question["tokens"]
            self.money += Decimal(question["money"])
            if question["calls"] and self._refuses(question["calls"]):
                return {"outcome": "exhausted", "message": "The budget is exhausted"}, b""
            self.calls += question["calls"]
            return {"outcome": "spent"}, b""
        if asked == "save":
            self.results[name], self.made_by[name] = orjson.loads(result), question
            self._hashes[name] = digest
            return {"outcome": "saved"}, b""
        if self._hashes.get(name) != digest:
            return {"outcome": "missing"}, b""
        return {"outcome": "found"}, orjson.dumps(self.results[name])

    def _refuses(self, calls: int) -> bool:
        return (
            (self.most_calls is not None and self.calls + calls > self.most_calls)
            or (self.most_tokens is not None and self.tokens >= self.most_tokens)
            or (self.most_money is not None and self.money >= self.most_money)
        )


@dataclass(frozen=True)
class StageRun:
    """What a handler did. `rows` is its result as the database stores it."""

    result: Any
    rows: Any
    reports: list[tuple[float, int]]
    units: Units


def run_stage(
    stage: str, handler: Callable[[StageInput, Work], Any], stage_input: StageInput, units: Units | None = None
) -> StageRun:
    """The handler's run to its end. Raises what it raises, and what a worker refuses of its result.

    `stage` is the stage's name, such as "TEXT_GENERATION".
    """
    kept, reports = units or Units(), list[tuple[float, int]]()
    path = f"{handler.__module__}.{handler.__qualname__}"
    work = Work(stage_input.course.id, stage, path, lambda done, total: reports.append((done, total)), kept.answer)
    result = handler(stage_input, work)
    rows, _ = as_json(stage, result)
    return StageRun(result, orjson.loads(rows), reports, kept)

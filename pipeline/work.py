"""What a handler does beside computing: it reports, saves finished units, and asks before it spends."""

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from pipeline.child.wire import MAX_RESULT, MAX_UNIT
from pipeline.contract import BudgetExhausted, Report

T = TypeVar("T")

#: Characters of a unit's name, of a version and of a model's name.
MAX_NAME = 200
#: Of each kind, what is spent at a time.
MAX_SPENT = 10**12

#: Puts a question to whoever keeps the units: its fields, and a unit's result in JSON. Returns both of the answer.
Ask = Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes | memoryview]]


class Work:
    """A run of a handler. Threads may share it.

    `handler` is the handler's dotted path. `course_id` and `stage` keep the units of others apart.
    """

    def __init__(self, course_id: str, stage: str, handler: str, report: Report, ask: Ask) -> None:
        self._course_id, self._stage, self._handler = course_id, stage, handler
        self._report, self._ask = report, ask
        self._saved = 0

    def __call__(self, done: float, total: int) -> None:
        """Reports that `done` of the stage's `total` units are done; a fraction is the share of the one in hand."""
        self._report(done, total)  # type: ignore[arg-type]

    def spend(self, *, calls: int = 0, tokens: int = 0, money: float | Decimal = 0) -> None:
        """Adds to what the generation spends. Ask with `calls=1` before each call; add tokens and money after it.

        Raises `BudgetExhausted` where the generation may make no more calls.
        """
        if not (0 <= calls <= MAX_SPENT and 0 <= tokens <= MAX_SPENT and 0 <= money <= MAX_SPENT):  # nor NaN
            raise ValueError(f"Nobody spends {calls} calls, {tokens} tokens, {money} of money")
        answer, _ = self._ask({"ask": "spend", "calls": calls, "tokens": tokens, "money": str(money)}, b"")
        if answer["outcome"] == "exhausted":
            raise BudgetExhausted(answer["message"])

    def unit(self, name: str, given: object, version: str) -> "Unit":
        """The unit of that name, with its result if any run of the course saved it for the same input and version.

        `given` is all that the result is made from, as plain values or dataclasses. `version` names what else changes
        the result: the prompt, the model. A unit of TEXT_GENERATION is named by its lesson's number.
        """
        _check_name("unit", name)
        _check_name("version", version)
        made_from = [self._handler, version, given]
        digest = hashlib.sha256(orjson.dumps(made_from, option=orjson.OPT_SORT_KEYS)).hexdigest()
        answer, result = self._ask({"ask": "find", "unit": name, "hash": digest}, b"")
        key = hashlib.sha256(f"{self._course_id} {self._stage} {name} {digest}".encode()).hexdigest()
        saved = orjson.loads(result) if answer["outcome"] == "found" else None
        return Unit(self, name, digest, version, key, saved)

    def save(self, unit: "Unit", result: object, made_by: dict[str, Any]) -> None:
        """Saves the unit's result; `Unit.save` is what handlers call."""
        rows = orjson.dumps(result)
        self._saved += len(rows)
        if len(rows) > MAX_UNIT or self._saved > MAX_RESULT:  # together no more than the stage's result may be
            raise ValueError(f"Unit {unit.name} is too large: {len(rows)} bytes, {self._saved} with the other units")
        self._ask({"ask": "save", "unit": unit.name, "hash": unit.hash, "handler": self._handler, **made_by}, rows)


class Unit:
    """A part of a stage that is paid for once.

    `saved` is its result, or None if it is still to be made. `key` is the same for each try: pass it to providers that
    take an idempotency key.
    """

    def __init__(self, work: Work, name: str, digest: str, version: str, key: str, saved: Any) -> None:
        self._work, self._version = work, version
        self._calls, self._tokens, self._money = 0, 0, Decimal(0)
        self.name, self.hash, self.key, self.saved = name, digest, key, saved

    def spend(self, *, calls: int = 0, tokens: int = 0, money: float | Decimal = 0) -> None:
        """As `Work.spend`, and counted as what this unit cost."""
        self._work.spend(calls=calls, tokens=tokens, money=money)
        self._calls, self._tokens, self._money = (
            self._calls + calls,
            self._tokens + tokens,
            self._money + Decimal(str(money)),
        )

    def save(self, result: T, *, model: str | None = None) -> T:
        """The result, in plain values, is saved for any later run of the course. Returns it."""
        if result is None:
            raise ValueError(f"Unit {self.name} has no result")
        _check_name("model", model or "-")
        spent = {"calls": self._calls, "tokens": self._tokens, "money": str(self._money)}
        self._work.save(self, result, {"version": self._version, "model": model, **spent})
        self.saved = result
        return result


def _check_name(what: str, name: str) -> None:
    if not 0 < len(name) <= MAX_NAME or "\0" in name:
        raise ValueError(f"A {what} has 1 to {MAX_NAME} characters: {name[:MAX_NAME]!r}")

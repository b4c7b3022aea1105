"""The questions of a running handler: its saved units, and whether it may spend."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from psycopg import Connection

from app.generation.runs import units
from app.generation.runs.units import MadeBy, Unit
from app.generation.runs.verbs import Start
from app.settings.stages import Budget
from pipeline.child.wire import MAX_ERROR, MAX_UNIT, cut

T = TypeVar("T")

#: What a budget limits, as the course's owner reads it.
_SPENT = {"calls": "вызовов", "tokens": "токенов", "money": "денег"}


@dataclass(frozen=True, slots=True)
class Questions:
    """Answers the handler of one start. `run_verb` runs a verb as the runner does."""

    start: Start
    budget: Budget
    run_verb: Callable[[Callable[[Connection[Any]], Any]], Any]

    def answer(self, question: dict[str, Any], result: memoryview) -> tuple[dict[str, Any], bytes]:
        """The answer, and a unit's result in JSON. Raises `Superseded` if the run has lost its generation."""
        match question:
            case {"ask": "find", "unit": name, "hash": digest}:
                unit = Unit(name, bytes.fromhex(digest))
                found = self.run_verb(lambda conn: units.find_unit(conn, self.start, unit))
                return {"outcome": "missing" if found is None else "found"}, found or b""
            case {"ask": "save", "unit": name, "hash": digest, **made} if len(result) <= MAX_UNIT:
                unit, made_by = Unit(name, bytes.fromhex(digest)), MadeBy(**made)
                self.run_verb(lambda conn: units.save_unit(conn, self.start, unit, result, made_by))
                return {"outcome": "saved"}, b""
            case {"ask": "spend", "calls": calls, "tokens": tokens, "money": money}:
                budget = asdict(self.budget)
                spent = self.run_verb(
                    lambda conn: units.spend(conn, self.start, calls=calls, tokens=tokens, money=money, budget=budget)
                )
                return (
                    {"outcome": "exhausted", "message": self._explain(spent)} if spent else {"outcome": "spent"}
                ), b""
        raise ValueError(f"The handler's process asked {cut(str(question), MAX_ERROR)} with {len(result)} bytes")

    def _explain(self, spent: dict[str, float]) -> str:
        limits = [
            f"{word} {spent[name]:g} из {limit:g}"
            for name, word in _SPENT.items()
            if (limit := getattr(self.budget, name)) is not None
        ]
        return f"Бюджет генерации исчерпан: {', '.join(limits)}. Готовое сохранено: новая генерация продолжит с него."

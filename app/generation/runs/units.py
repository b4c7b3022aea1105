"""Finished parts of a stage, and what a generation spends. The verbs raise `Superseded` without the fence."""

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from app.generation.runs.verbs import Start, as_it_is, run_verb


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a stage. `hash` is of its input and of the handler's version."""

    name: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class MadeBy:
    """What made a unit, and what that took."""

    handler: str
    version: str
    model: str | None
    calls: int
    tokens: int
    money: str


def find_unit(conn: Connection[Any], start: Start, unit: Unit) -> bytes | None:
    """The unit's result in JSON, if any run of the course saved it."""
    values = {"stage": start.stage.value, "unit": unit.name, "hash": unit.hash}
    result: bytes | None = run_verb(conn, "find_unit", start.run, **values)["result"]
    return result


def save_unit(conn: Connection[Any], start: Start, unit: Unit, result: bytes | memoryview, made_by: MadeBy) -> None:
    """The unit's result, in JSON, is saved for any later run of the course."""
    run_verb(
        conn,
        "save_unit",
        start.run,
        stage=start.stage.value,
        unit=unit.name,
        hash=unit.hash,
        result=Jsonb(result, as_it_is),
        handler=made_by.handler,
        version=made_by.version,
        model=made_by.model,
        calls=made_by.calls,
        tokens=made_by.tokens,
        money=made_by.money,
    )


def spend(
    conn: Connection[Any], start: Start, *, calls: int, tokens: int, money: str, budget: dict[str, float | None]
) -> dict[str, float] | None:
    """Adds what the generation spends. Returns all that it has spent if the budget refuses these calls, else None."""
    values = {"calls": calls, "tokens": tokens, "money": money, "budget": Jsonb(budget)}
    row = run_verb(conn, "spend", start.run, **values)
    if row["outcome"] == "spent":
        return None
    return {name: float(row[name]) for name in ("calls", "tokens", "money")}

"""Checks of what operators override."""

from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.queries import QUERIES
from app.generation.audit import Actor
from app.operations.doctor.findings import Finding, State, judge


def check_controls(conn: Connection[DictRow], own: int | None, limit: int) -> Iterator[Finding]:
    """A finding about admissions and their limit, and one about the stages.

    `own` is the environment's limit, None if it is dynamic, and `limit` the one in force.
    """
    overridden = conn.execute(QUERIES["list_controls"]).fetchall()
    who = {row["name"]: str(Actor(row["set_by"], row["reason"])) for row in overridden}
    named = f"GLOBAL_CONCURRENCY_LIMIT is {own or 'auto'}"
    by = f" by {who['limit']}; {named}" if "limit" in who else "" if own else f"; {named}"
    is_paused = "admissions" in who
    found = f"paused by {who['admissions']}" if is_paused else f"{limit} at once{by}"
    advice = "Run `coursegen resume admissions` when they may go on."
    yield judge("admissions", found, State.WARNING, advice, when=is_paused, clause="paused admissions")
    paused = [f"{name.removeprefix('stage:')} by {who[name]}" for name in who if name.startswith("stage")]
    found = f"paused: {'; '.join(paused)}" if paused else "none paused"
    advice = "Run `coursegen resume stages` when they may go on."
    yield judge("stages", found, State.WARNING, advice, when=bool(paused), clause="paused stages")

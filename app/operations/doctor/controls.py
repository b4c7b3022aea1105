"""Checks of what operators override."""

from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.queries import QUERIES
from app.operations.doctor.findings import Finding, State, judge
from app.operations.doctor.texts import Private, Said, join, say


def check_controls(conn: Connection[DictRow], own: int | None, limit: int) -> Iterator[Finding]:
    """A finding about admissions and their limit, and one about the stages.

    `own` is the environment's limit, None if it is dynamic, and `limit` the one in force.
    """
    overridden = conn.execute(QUERIES["list_controls"]).fetchall()
    who = {row["name"]: _describe_actor(row) for row in overridden}
    named = say("; GLOBAL_CONCURRENCY_LIMIT is {own}", own=own or "auto")
    found = say("{limit} at once", limit=limit)
    if "limit" in who:
        found += say(" by {who}", who=who["limit"])
    if "limit" in who or not own:
        found += named
    is_paused = "admissions" in who
    if is_paused:
        found = say("paused by {who}", who=who["admissions"])
    advice = say("Run `coursegen resume admissions` when they may go on.")
    yield judge("admissions", found, State.WARNING, advice, when=is_paused, clause="paused admissions")
    stages = {name.removeprefix("stage:"): who[name] for name in who if name.startswith("stage")}
    paused = join("; ", (say("{stage} by {who}", stage=stage, who=by) for stage, by in stages.items()))
    found = say("paused: {stages}", stages=paused) if paused else say("none paused")
    advice = say("Run `coursegen resume stages` when they may go on.")
    yield judge("stages", found, State.WARNING, advice, when=bool(paused), clause="paused stages")


def _describe_actor(row: DictRow) -> Said:
    if not row["reason"]:
        return say("{name}", name=row["set_by"])
    return say("{name}: {reason}", name=row["set_by"], reason=Private(row["reason"]))

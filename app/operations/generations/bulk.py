"""Actions on many generations: those that were selected, or all that match a filter.

First a run is prepared: what matched is kept, and shown. Once it is confirmed, its rows are worked through in batches,
and each keeps its outcome. If a process dies, any other may continue its run.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.audit import Actor, record_audit
from app.generation.database_errors import is_unavailable
from app.generation.errors import (
    AdmissionFailed,
    CourseNotFound,
    Forbidden,
    GenerationActive,
    GenerationError,
    NotFailed,
    NothingActive,
    NothingToSend,
    RateLimited,
    UserFull,
)
from app.operations import actions
from app.operations.generations.filters import read_filters
from app.operations.generations.search import match
from app.operations.listings import NotFound
from app.services import Services

ACTIONS = ("cancel", "retry", "resend")
#: Generations that one run may take.
MOST_ROWS = 10_000
#: Rows of a batch.
BATCH = 50
#: How long a run stays with a process that gives no sign of life. Longer than any row may take.
HOLD_S = 60
#: How long a run waits for a database that is away, and how often it asks. Shorter than it is held.
PATIENCE_S, AGAIN_S = 30.0, 1.0
#: Rows that are shown, of a sample and of each outcome.
SHOWN = 20
#: More than so many are acted on only if their number was typed.
UNTYPED = 20

#: Why the action does not apply to a generation.
WHYS = {
    "ended": "It has ended.",
    "not_failed": "It has not failed.",
    "later": "Its course was generated again since.",
    "delivered": "It has no webhook that was not delivered.",
    "moved": "It matches the filter no more.",
    "gone": "It is gone.",
    "changed": "It changed at that moment.",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would take. `skipped`: how many others matched, by the key of `WHYS`. `is_cut`: even more match."""

    action: str
    filter: Mapping[str, str]
    ids: Sequence[UUID]
    skipped: Mapping[str, int]
    is_cut: bool
    sample: Sequence[DictRow]


def preview(
    db: Database,
    given: Mapping[str, str],
    action: str,
    ids: Sequence[UUID] | None = None,
    *,
    by_title: bool = True,
) -> Preview:
    """The generations to which the action applies: those of the ids, or all that match the filter. Changes nothing.

    `given`: the filter's texts, as of `read_filters`. At most `MOST_ROWS` are taken, the newest. Raises as `search`.
    """
    texts = {name: text for name, text in given.items() if name != "after" and text.strip()}
    filters = read_filters(texts)
    with db.connection() as conn:
        matched = ids if ids is not None else match(conn, filters, MOST_ROWS + 1, by_title=by_title)
        judged = _judge(conn, matched[:MOST_ROWS], action, {} if ids is None else texts)
        taken = [generation_id for generation_id, why in judged.items() if why is None]
        sample = conn.execute(QUERIES["list_generations_by_id"], {"ids": taken[:SHOWN]}).fetchall()
    skipped = Counter(why for why in judged.values() if why is not None)
    chosen = texts if ids is None else {**texts, "selected": str(len(matched))}
    return Preview(action, chosen, taken, skipped, len(matched) > MOST_ROWS, sample)


def prepare(db: Database, found: Preview, operator: str) -> UUID:
    """Keeps what was found as a run that waits to be confirmed; returns its id."""
    run_id = uuid4()
    values = {"id": run_id, "action": found.action, "operator": operator, "ids": list(found.ids)}
    with db.transaction() as conn:
        kept = {"filter": Jsonb(dict(found.filter)), "skipped": Jsonb(dict(found.skipped))}
        conn.execute(QUERIES["insert_bulk_run"], {**values, **kept})
        conn.execute(QUERIES["insert_bulk_rows"], values)
    return run_id


def confirm(db: Database, run_id: UUID, actor: Actor) -> bool:
    """The run may act, for that actor. Audited. False, and nothing changes, if it was confirmed before."""
    with db.transaction() as conn:
        values = {"id": run_id, "operator": actor.name, "reason": actor.reason}
        row = conn.execute(QUERIES["confirm_bulk_run"], values).fetchone()
        if row is not None:
            record_audit(conn, actor, f"bulk_{row['action']}", run=str(run_id), filter=row["filter"], rows=row["rows"])
    return row is not None


def run_all(services: Services, run_id: UUID, turn: AbstractContextManager[object] | None = None) -> None:
    """Works through the run until it ends, is stopped, can't go on now, or another process holds it.

    `turn` is entered for each batch. Raises as `run_batch`.
    """
    holder, goes_on = uuid4(), True
    while goes_on:
        with turn or nullcontext():
            goes_on = run_batch(services, run_id, holder)


def run_batch(services: Services, run_id: UUID, holder: UUID) -> bool:
    """Acts on the next rows of a confirmed run; returns whether the holder should call again.

    Each row is a transaction of its own, and its outcome another: what was done is known from the audit if the process
    died, or lost the database, in between. Raises the database's errors if it stays away for `PATIENCE_S`.
    """
    patient = Retrying(
        retry=retry_if_exception(is_unavailable),
        stop=stop_after_delay(PATIENCE_S),
        wait=wait_fixed(AGAIN_S),
        reraise=True,
    )
    return patient(_run_batch, services, run_id, holder)


def go_on(db: Database, run_id: UUID, actor: Actor) -> bool:
    """The run may be worked on again, still in the name of who confirmed it. Audited. False if none has to."""
    with db.transaction() as conn:
        run = conn.execute(QUERIES["find_bulk_run"], {"id": run_id}).fetchone()
        is_left = run is not None and run["confirmed_at"] and not run["finished_at"] and not run["is_held"]
        if run is not None and is_left:
            record_audit(conn, actor, f"bulk_{run['action']}_continued", run=str(run_id))
    return bool(is_left)


def stop(db: Database, run_id: UUID, actor: Actor) -> bool:
    """The run has ended; a row that is in hand is the last. Audited. False if it has ended already."""
    return _finish(db, {"id": run_id, "stop": True}, actor)


def list_open(db: Database) -> list[DictRow]:
    """The latest runs that were confirmed and have not ended: `id`, `action`, and how many rows are `left`."""
    with db.connection() as conn:
        return conn.execute(QUERIES["list_open_bulk_runs"]).fetchall()


def find_run(db: Database, run_id: UUID) -> dict[str, Any]:
    """The run with the counts of its rows, and the first of each outcome. Raises `NotFound`."""
    with db.connection() as conn:
        run = conn.execute(QUERIES["find_bulk_run"], {"id": run_id}).fetchone()
        if run is None:
            raise NotFound(f"There is no run {run_id}")
        counts = only_row(conn.execute(QUERIES["count_bulk_rows"], {"id": run_id}))
        shown = ["changed", "failed", "done"] if run["confirmed_at"] else [None]
        rows: list[DictRow] = []
        for outcome in shown:
            values = {"id": run_id, "outcome": outcome, "limit": SHOWN}
            rows += conn.execute(QUERIES["list_bulk_rows"], values).fetchall()
    return {**run, **counts, "shown": rows}


def _run_batch(services: Services, run_id: UUID, holder: UUID) -> bool:
    held: dict[str, Any] = {"id": run_id, "holder": holder, "hold_s": HOLD_S, "limit": BATCH, "stop": False}
    with services.db.connection() as conn:
        run = conn.execute(QUERIES["hold_bulk_run"], held).fetchone()
        if run is None:
            return False
        rows = conn.execute(QUERIES["take_bulk_rows"], held).fetchall()
        judged = _judge(conn, [row["generation_id"] for row in rows], run["action"], run["filter"])
    for row in rows:
        outcome, why = ("done", None) if row["is_done"] else _act(services, run, row["generation_id"], judged)
        with services.db.connection() as conn:
            values = {**held, "position": row["position"], "outcome": outcome, "why": why}
            goes_on = conn.execute(QUERIES["end_bulk_row"], values).fetchone() is not None
        if outcome is None or not goes_on:
            with services.db.connection() as conn:
                conn.execute(QUERIES["release_bulk_run"], held)
            return False
    return not _finish(services.db, held, Actor(run["operator"], run["reason"])) if len(rows) < BATCH else True


def _judge(
    conn: Connection[DictRow], ids: Sequence[UUID], action: str, given: Mapping[str, str]
) -> dict[UUID, str | None]:
    """By its id, why the action does not apply to each of these generations; None if it does."""
    changing = {name: given[name] for name in ("status", "stage", "stuck") if name in given}
    values = {"status": None, "stage": None, "stuck_s": None, **read_filters(changing).values}
    rows = conn.execute(QUERIES["judge_bulk_rows"], {**values, "action": action, "ids": list(ids)})
    found = {row["id"]: cast("str | None", row["why"]) for row in rows}
    return {generation_id: found.get(generation_id, "gone") for generation_id in ids}


def _act(
    services: Services, run: DictRow, generation_id: UUID, judged: Mapping[UUID, str | None]
) -> tuple[str | None, str | None]:
    """The row's outcome and why. The outcome is None if the run can't go on now."""
    why, actor = judged[generation_id], Actor(run["operator"], run["reason"])
    if why is not None:
        return "changed", why
    try:
        if run["action"] == "cancel":
            actions.cancel(services, generation_id, actor)
        elif run["action"] == "retry":
            actions.retry(services, generation_id, actor, source=actor.name.partition(":")[0])
        else:
            actions.resend_webhook(services, generation_id, None, actor)
    except (NothingActive, NotFailed, NothingToSend, GenerationActive, CourseNotFound, NotFound):
        return "changed", "changed"
    except (UserFull, RateLimited, Forbidden, AdmissionFailed) as error:
        return "failed", str(error)
    except GenerationError as error:  # such as a full system, which would refuse the others, too
        return None, str(error)
    except psycopg.Error as error:
        if is_unavailable(error):
            raise
        return "failed", str(error).partition("\n")[0]
    return "done", None


def _finish(db: Database, values: Mapping[str, Any], actor: Actor) -> bool:
    with db.transaction() as conn:
        row = conn.execute(QUERIES["finish_bulk_run"], values).fetchone()
        if row is not None:
            counts = only_row(conn.execute(QUERIES["count_bulk_rows"], values))
            counts.pop("held_up")
            record_audit(conn, actor, f"bulk_{row['action']}_ended", run=str(values["id"]), **counts)
    return row is not None

"""Live controls: what operators override while the service runs. The admitting statement itself reads them.

Each change commits with its row of `coursegen.audit`. After it, no admission is under way that was decided before.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.audit import Actor, record_audit
from app.generation.errors import BadTier, ControlsBusy, LimitOutOfBounds, NotOverridden, NotPaused
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.generation.transaction_retries import RETRYING
from app.operations.listings import read_rows
from app.services import Services

ADMISSIONS, STAGES, LIMIT, AGING = "admissions", "stages", "limit", "aging"

T = TypeVar("T")


def stage_control(stage: Stage) -> str:
    """The name of the control that pauses the stage alone."""
    return f"stage:{stage.value}"


def list_controls(db: Database) -> list[DictRow]:
    """What is overridden, by `name`: its `value` (None of a pause), `set_by`, `reason` and `set_at`."""
    return read_rows(db, "list_controls")


def list_tiers(db: Database) -> list[DictRow]:
    """Each tier's `slots` and `priority`."""
    return read_rows(db, "list_tiers")


def find_limit(services: Services) -> int:
    """How many generations may be active now."""
    with services.db.connection() as conn:
        return read_limit(conn, services.settings.global_concurrency_limit)


def read_limit(conn: Connection[DictRow], own: int | None) -> int:
    """The limit in force, where the environment's is `own`; None if that is dynamic."""
    return int(only_row(conn.execute(QUERIES["find_limit"], {"limit": own}))["in_force"])


def pause(services: Services, name: str, actor: Actor) -> None:
    """Stops starts of that name: `ADMISSIONS`, `STAGES` or a `stage_control`. What runs goes on."""
    set_control(services.db, name, None, actor, f"pause_{_kind(name)}", control=name)


def resume(services: Services, name: str, actor: Actor) -> None:
    """Ends the pause; with `STAGES`, also that of each stage that was paused alone. Raises `NotPaused`."""
    names = [STAGES, *map(stage_control, Stage)] if name == STAGES else [name]
    if not clear_controls(services.db, names, actor, f"resume_{_kind(name)}"):
        raise NotPaused(name)


def set_limit(services: Services, limit: int, actor: Actor) -> None:
    """Sets how many generations may be active at once, over the environment's limit. Raises `LimitOutOfBounds`.

    If more are active, they go on, and no other is admitted meanwhile.
    """
    lowest, highest = services.settings.limit_bounds
    if not lowest <= limit <= highest:
        raise LimitOutOfBounds(lowest, highest)
    set_control(services.db, LIMIT, limit, actor, "set_limit", limit=limit)


def reset_limit(services: Services, actor: Actor) -> None:
    """The environment's limit is in force again. Raises `NotOverridden`."""
    if not clear_controls(services.db, [LIMIT], actor, "reset_limit"):
        raise NotOverridden


def set_aging(services: Services, seconds: int, actor: Actor) -> None:
    """A generation that waits for so long moves up a tier in the queue. Overrides the environment; 0: none moves."""
    set_control(services.db, AGING, seconds, actor, "set_aging", seconds=seconds)


def reset_aging(services: Services, actor: Actor) -> None:
    """The environment's span is in force again. Raises `NotOverridden`."""
    if not clear_controls(services.db, [AGING], actor, "reset_aging"):
        raise NotOverridden


def set_tier(services: Services, tier: Tier, slots: int | None, priority: int | None, actor: Actor) -> DictRow:
    """The tier has these slots and this priority from the next admission on; None leaves as it is. Returns both.

    Raises `BadTier`.
    """
    values = {"tier": tier.value, "slots": slots, "priority": priority}

    def change(conn: Connection[Any]) -> DictRow:
        row: DictRow = only_row(conn.execute(QUERIES["set_tier"], values))
        record_audit(conn, actor, "set_tier", tier=tier.value, **row)
        return row

    try:
        return _change(services.db, change)
    except psycopg.errors.CheckViolation as error:
        raise BadTier from error


def set_control(db: Database, name: str, value: int | None, actor: Actor, action: str, **details: Any) -> None:
    """Sets the control. The audit names the action."""

    def change(conn: Connection[Any]) -> None:
        values = {"name": name, "value": value, "set_by": actor.name, "reason": actor.reason}
        conn.execute(QUERIES["set_control"], values)
        record_audit(conn, actor, action, **details)

    _change(db, change)


def clear_controls(db: Database, names: Sequence[str], actor: Actor, action: str) -> list[str]:
    """Clears those of the controls that are set, and returns their names. Without one, the audit has no row."""

    def change(conn: Connection[Any]) -> list[str]:
        cleared = sorted(row["name"] for row in conn.execute(QUERIES["clear_controls"], {"names": list(names)}))
        if cleared:
            record_audit(conn, actor, action, controls=cleared)
        return cleared

    return _change(db, change)


def _change(db: Database, change: Callable[[Connection[Any]], T]) -> T:
    """Makes the change in a transaction that no admission overlaps. Raises `ControlsBusy`."""

    def attempt() -> T:
        with db.transaction() as conn:
            conn.execute(QUERIES["lock_controls"])
            return change(conn)

    try:
        return RETRYING(attempt)
    except psycopg.errors.LockNotAvailable as error:
        raise ControlsBusy from error


def _kind(name: str) -> str:
    return name if name == ADMISSIONS else STAGES

"""Moves the dynamic limit of generations active at once: what upkeep does if GLOBAL_CONCURRENCY_LIMIT is `auto`."""

import logging

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.capacity.decision import WINDOW_S, Host, Reason, Situation, decide

log = logging.getLogger(__name__)


def move_limit(db: Database, lowest: int, highest: int, stalled_s: float) -> int | None:
    """Moves it by at most one step, and returns where it is then; None if it stays. Each move is an event.

    Of several calls at once one decides. An operator's limit stops it until that is reset.
    """
    try:
        with db.transaction() as conn:
            row = conn.execute(QUERIES["read_situation"], {"stalled": stalled_s, "window_s": WINDOW_S}).fetchone()
            if row is None:
                return None
            now = _read(row, lowest, highest)
            limit, reason = decide(now)
            if reason is Reason.STAYS:
                return None
            facts = {name: row[name] for name in ("active", "refused", "waiting", "busy", "hosts")}
            facts |= {"places": now.places}
            moved = {"from": now.limit, "to": limit, "reason": reason.value}
            conn.execute(QUERIES["move_limit"], {**moved, "facts": Jsonb(facts)})
    except psycopg.errors.LockNotAvailable:
        log.warning("limit_move_delayed")
        return None
    log.info("limit_changed", extra=moved)
    return limit


def _read(row: DictRow, lowest: int, highest: int) -> Situation:
    hosts = tuple(Host(**host) for host in row["hosts"])
    return Situation(**{**row, "hosts": hosts}, lowest=lowest, highest=highest)

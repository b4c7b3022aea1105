"""Priority aging: a generation that has waited long moves up a tier in the queue."""

import logging

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.pool import Database
from app.database.queries import QUERIES
from app.telemetry.log import bind

#: While aging is off, doctor and console show which generations this span would help.
SHOWN_S = 900.0
#: Generations that are raised at once.
BATCH = 100

log = logging.getLogger(__name__)


def age(db: Database, span_s: float) -> int:
    """Raises those that wait for their first stage by a tier for each `span_s`, and returns how many.

    An operator's span comes before this one; 0 is none.
    """
    with db.statement() as conn:
        raised = conn.execute(QUERIES["age_generations"], {"span_s": span_s, "batch": BATCH}).fetchall()
    for row in raised:
        with bind(jobId=row["generation_id"]):
            log.info("priority_raised", extra={"priority": row["priority"], "waited_s": round(row["waited_s"])})
    return len(raised)


def list_overtaken(conn: Connection[DictRow], span_s: float = SHOWN_S) -> list[DictRow]:
    """The generations that such a span would help: they have waited longer, and later ones have overtaken them.

    Each with its `generation_id`, `tier`, `priority`, `aged_priority` and `waited_s`, the longest first.
    """
    rows = conn.execute(QUERIES["list_aging"], {"span_s": span_s}).fetchall()
    return [row for row in rows if row["is_overtaken"]]

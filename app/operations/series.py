"""How fast it went: what ended, and how long stages took, in buckets of time up to now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.stages import Stage

#: By its name, each span's length of a bucket in seconds, and their number.
SPANS = {"1h": (60, 60), "24h": (1800, 48), "7d": (10_800, 56)}
#: What is counted.
ENDS = ("completed", "failed", "refused")


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers by bucket; `at` is when each began. The last one is under way."""

    at: Sequence[datetime]
    #: How many, by name.
    ends: Mapping[str, Sequence[int]]
    #: How many seconds half of the stages stayed within, and 95 of 100, by stage; None where none completed.
    seconds: Mapping[str, Sequence[tuple[float, float] | None]]
    #: When the limit changed, and to what; None where it became the environment's again.
    limits: Sequence[tuple[datetime, int | None]]


def read_series(db: Database, span: str) -> Series:
    """The series of that span, one of `SPANS`. Raises `psycopg.errors.QueryCanceled`."""
    step_s, buckets = SPANS[span]
    values: dict[str, object] = {"step_s": step_s, "buckets": buckets}
    with db.connection() as conn:
        at = [row["at"] for row in conn.execute(QUERIES["list_buckets"], values).fetchall()]
        values["since"] = at[0]
        ends = conn.execute(QUERIES["count_ends"], values).fetchall()
        stages = conn.execute(QUERIES["measure_stages"], values).fetchall()
        limits = conn.execute(QUERIES["list_limit_changes"], values).fetchall()
    counted = {(row["name"], row["at"]): row["value"] for row in ends}
    measured = {
        (row["stage"], row["at"]): (row["took"][0].total_seconds(), row["took"][1].total_seconds()) for row in stages
    }
    return Series(
        at,
        {name: [counted.get((name, begun), 0) for begun in at] for name in ENDS},
        {stage.value: [measured.get((stage.value, begun)) for begun in at] for stage in Stage},
        [(row["at"], row["limit"]) for row in reversed(limits)],
    )

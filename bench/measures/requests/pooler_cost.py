"""`pooler`: admissions through PgBouncer in transaction mode, in turn with admissions without it."""

from collections.abc import Callable

from bench.environment.debian_tools import ToolMissing
from bench.environment.pgbouncer import POOLED, PgBouncer
from bench.environment.stand import Stand
from bench.load.generators import best_generator
from bench.load.rounds import take_turns
from bench.measures.requests.admissions import admitting
from bench.reporting.figures import Section, Size, ratio

TITLE = "Behind PgBouncer"
HOW = (
    "Admissions as above by two APIs in turn on one database: one connected to PostgreSQL, one"
    " (`DATABASE_POOLER=transaction`) through PgBouncer {version} with {sessions} sessions. There, no statement is"
    " prepared, and each round trip passes one more process."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Admissions through the pooler, beside those without it."""
    with Stand() as stand:
        try:
            pooler = PgBouncer(stand.database_url)
        except ToolMissing as error:
            log(f"PgBouncer is not measured: {error}")
            return [Section(TITLE, f"Not measured: {error}.", [])]
        with pooler:
            log(f"admissions through PgBouncer, {size.rounds} rounds of {size.requests} each after a warm-up round")
            direct, pooled = stand.start_api(), stand.start_api("pooled", DATABASE_URL=pooler.url, **POOLED)
            lanes = [
                admitting("admissions, directly", stand, direct, size, "api", lambda each: each.generate),
                admitting("admissions, through PgBouncer", stand, pooled, size, "pooled", lambda each: each.generate),
            ]
            without, through = take_turns(lanes, size, log)
        how = HOW.format(version=pooler.version, sessions=pooler.sessions)
    kept = ratio("admissions a second, through PgBouncer to directly", through.rate(), without.rate())
    figures = [kept, *without.figures(), *through.figures()]
    return [Section(TITLE, f"{how} Loaded by {best_generator().name}.", figures)]

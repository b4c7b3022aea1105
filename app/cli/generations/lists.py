"""`coursegen generations list`: those that match, the newest first."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from app.cli.command_setup import as_json, limit, with_services
from app.cli.generations.filters import after, filtered
from app.cli.output import echo
from app.cli.tables import print_rows
from app.operations.ages import say_age
from app.operations.generations.filters import read_filters
from app.operations.generations.search import MOST_COUNTED, search
from app.services import Services

COLUMNS = (
    *("id", "status", "stage", "idle", "course", "tier", "paused", "user_id", "created_at", "finished_at"),
    "error_message",
)


@click.command("list")
@after
@filtered
@limit
@as_json
@with_services
def command(services: Services, given: Mapping[str, str], limit: int, as_json: bool) -> None:
    """List the generations that match, the newest first."""
    found = search(services.db, read_filters(given), limit=limit)
    print_generations(found.rows, as_json=as_json)
    if not as_json:
        counted = max(MOST_COUNTED, limit)
        more = f"more than {counted:,}" if found.matches > counted else f"{found.matches:,}"
        older = f"; older ones: --after {found.after}" if found.after else ""
        echo(f"{len(found.rows):,} of {more}{older}", err=True)


def print_generations(rows: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """Prints generations as `search` returns them."""
    if not as_json:
        rows = [
            {**row, "idle": _say(row["idle_s"]), "course": row["slug"], "paused": row["paused_why"]} for row in rows
        ]
    print_rows(rows, COLUMNS, as_json=as_json)


def _say(seconds: float | None) -> str | None:
    return None if seconds is None else say_age(seconds)

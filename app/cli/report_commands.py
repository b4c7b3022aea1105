"""`coursegen metrics`: what happened, as a table for people, CSV or JSON."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal

import click
from flask.cli import with_appcontext

from app.cli.operating import operating
from app.operations.reports import DEFAULT_SINCE, METRICS, STATEMENT_TIMEOUT_S, Answer, BadSince, MetricTimeout, ask


@click.command("metrics")
@click.argument("name", required=False, metavar="[NAME]", type=click.Choice(list(METRICS)))
@click.option(
    "--since",
    default=DEFAULT_SINCE,
    show_default=True,
    help="So long ago (7d, 24h), or from that time on (2026-11-01).",
)
@click.option(
    "--format",
    "form",
    default="table",
    show_default=True,
    type=click.Choice(["table", "csv", "json"]),
    help="How the rows are shown.",
)
@with_appcontext
def command(name: str | None, since: str, form: str) -> None:
    """Show what happened: NAME's rows, or without NAME the list of metrics. Times are in UTC."""
    if name is None:
        click.echo(as_list())
        return
    try:
        with operating() as services:
            variables = {"slots": services.settings.global_concurrency_limit}
            answer = ask(services.db, METRICS[name], since, variables)
    except BadSince as error:
        raise click.BadParameter(str(error), param_hint="'--since'") from error
    except MetricTimeout as error:
        raise click.ClickException(f"Not answered within {STATEMENT_TIMEOUT_S} s: ask for less by --since.") from error
    text = {"table": as_table, "csv": as_csv, "json": as_json}[form](answer)
    click.echo(text, nl=False, color=True)  # exactly that: click would take out of CSV what looks like colour


def as_list() -> str:
    """Each metric with its question, one a line."""
    width = max(map(len, METRICS))
    return "\n".join(f"{metric.name:<{width}}  {metric.question}" for metric in METRICS.values())


def as_table(answer: Answer) -> str:
    """Aligned columns under a line that says since when; numbers stand to the right, nothing is a dash."""
    since = f"since {answer.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC\n"
    if not answer.rows:
        return f"{since}nothing\n"
    cells = [answer.columns, *([_shown(value) for value in row] for row in answer.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [all(isinstance(v, int | Decimal | None) for v in column) for column in zip(*answer.rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        aligned = (f"{c:>{w}}" if r else f"{c:<{w}}" for c, w, r in zip(row, widths, right, strict=True))
        return "  ".join(aligned).rstrip() + "\n"

    return since + "".join(map(line, cells))


def as_csv(answer: Answer) -> str:
    """A heading and a line for each row, as `psql --csv` writes them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([answer.columns, *answer.rows])
    return text.getvalue()


def as_json(answer: Answer) -> str:
    """An array with an object for each row."""
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    return json.dumps(rows, ensure_ascii=False, indent=2, default=float) + "\n"


def _shown(value: object) -> str:
    """The value on a line of its own: whatever a terminal would obey is a space."""
    return "-" if value is None else "".join(c if c.isprintable() else " " for c in str(value))

"""`coursegen metrics`: the reports of `sql/metrics`, as a table for people, CSV or JSON."""

from datetime import UTC

import click

from app.cli.command_setup import wide, with_services
from app.cli.output import CommandFailed, echo, echo_data
from app.cli.tables import terminal_width, to_csv, to_json, to_table
from app.operations.controls import find_limit
from app.operations.reports import (
    DEFAULT_SINCE,
    REPORTS,
    STATEMENT_TIMEOUT_S,
    BadSince,
    ReportTimeout,
    Result,
    run_report,
)
from app.services import Services


@click.command("metrics")
@click.argument("name", required=False, metavar="[NAME]", type=click.Choice(list(REPORTS)))
@click.option(
    "--since",
    default=DEFAULT_SINCE,
    show_default=True,
    help="How far back: 24h, 7d, or a time in UTC.",
)
@click.option(
    "--format",
    "form",
    default="table",
    show_default=True,
    type=click.Choice(["table", "csv", "json"]),
    help="How the rows are printed.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@wide
@with_services
def command(services: Services, name: str | None, since: str, form: str) -> None:
    """Report on the past. Without NAME, list the reports. Times are in UTC."""
    if name is None:
        listed = [{"name": report.name, "question": report.question} for report in REPORTS.values()]
        width = max(map(len, REPORTS))
        if form == "json":
            echo(to_json(listed, indent=2))
        elif form == "csv":
            echo_data(to_csv(list(listed[0]), [list(row.values()) for row in listed]))
        else:
            echo("\n".join(f"{row['name']:<{width}}  {row['question']}" for row in listed))
        return
    try:
        result = run_report(services.db, REPORTS[name], since, {"slots": find_limit(services)})
    except BadSince as error:
        raise click.BadParameter(str(error), param_hint="'--since'") from error
    except ReportTimeout as error:
        raise CommandFailed(f"No result within {STATEMENT_TIMEOUT_S} s: ask for less by --since.") from error
    echo_data({"table": _as_table, "csv": as_csv, "json": _as_json}[form](result))


def as_csv(result: Result) -> str:
    return to_csv(result.columns, result.rows)


def _as_table(result: Result) -> str:
    table = to_table(result.columns, result.rows, terminal_width()) if result.rows else "nothing"
    return f"since {result.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC\n{table}\n"


def _as_json(result: Result) -> str:
    return to_json([dict(zip(result.columns, row, strict=True)) for row in result.rows], indent=2) + "\n"

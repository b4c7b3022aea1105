"""`coursegen platform`: what an operator decides about the platform's database."""

import json
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

import click

from app.cli.command_setup import as_json, generation_id, operator, reason, with_services
from app.cli.output import CommandFailed, echo, echo_data
from app.cli.tables import print_rows, to_json
from app.database.platform.shipped_maps import SHIPPED, StatusMap
from app.database.platform.status_map import BadMap
from app.generation.results.publishing import MODES
from app.operations import platform
from app.services import Services


@click.group("platform")
def command() -> None:
    """Say how the platform's own database shows a generation."""


@command.command("status")
@as_json
@click.option("--set", "file", type=click.File(encoding="utf-8"), help="The map of a JSON file, as --json prints it.")
@click.option("--use", "name", type=click.Choice(list(SHIPPED)), help="A map that ships.")
@click.option("--recognise", is_flag=True, help="The map that `migrate` chooses, after a change of the platform.")
@reason
@with_services
def status(
    services: Services, as_json: bool, file: TextIO | None, name: str | None, recognise: bool, reason: str | None
) -> None:
    """Show or change where the status is written. The changes that the platform allows are shown, too."""
    given: list[Any] = [name] if name else []
    try:
        if file is not None:
            given.append(json.load(file))
        if recognise:
            given.append(platform.RECOGNISED)
        if len(given) > 1:
            raise click.UsageError("--set, --use and --recognise exclude each other")
        if given:
            shown: StatusMap | None = platform.change_status_map(services.settings, operator(reason), given[0])
        else:
            shown = platform.show_status_map(services.settings)
    except json.JSONDecodeError as error:
        raise CommandFailed(f"The file is not JSON: {error}") from error
    except (BadMap, ValueError) as error:
        raise CommandFailed(str(error)) from error
    if shown is None:
        raise CommandFailed("The database is not migrated: run `coursegen migrate`")
    if as_json:
        echo_data(to_json(platform.as_json(shown), indent=2) + "\n")
        return
    echo(f"Map: {shown.source}; column: {shown.column or 'none, a generation is not shown'}")
    print_rows(
        [
            {"status": ours, "value": value, "may follow": ", ".join(sorted(shown.changes.get(value or "", [])))}
            for ours, value in shown.values.items()
        ],
        ("status", "value", "may follow"),
        as_json=False,
    )


@command.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reason
@with_services
def apply(services: Services, file: Path, reason: str | None) -> None:
    """Apply the SQL of FILE in one transaction. Some is in deploy/platforms. Needs the login of `migrate`."""
    platform.apply_script(services.settings, operator(reason), file.name, file.read_bytes())
    echo(f"Applied: {file.name}")


@command.command("publish")
@generation_id
@click.option("--mode", type=click.Choice(MODES), default="fill", show_default=True)
@reason
@with_services
def publish(services: Services, generation_id: UUID, mode: str, reason: str | None) -> None:
    """Show a completed generation on the platform's pages."""
    result = platform.publish(services, operator(reason), generation_id, mode)
    if result is None:
        raise CommandFailed("Nothing publishes here: see `coursegen platform apply`")
    echo(", ".join(f"{name}: {count}" for name, count in result.items()))

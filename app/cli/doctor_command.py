"""`coursegen doctor`: what is wrong, and what to do."""

from dataclasses import asdict

import click

from app.cli.command_setup import as_json, with_services
from app.cli.tables import print_rows
from app.operations.doctor import State, examine
from app.services import Services


@click.command("doctor")
@as_json
@with_services
def command(services: Services, as_json: bool) -> None:
    """Check settings, servers, migrations, clock, workers and slots. Exit code 1 if anything is an error."""
    findings = examine(services)
    print_rows(map(asdict, findings), ("state", "check", "found", "advice"), as_json=as_json)
    if any(finding.state is State.ERROR for finding in findings):
        raise click.exceptions.Exit(1)

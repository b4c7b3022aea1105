"""The operator's commands, for the console script `coursegen` and for `flask --app wsgi`."""

import click
from flask import Flask

from app.cli import (
    database_commands,
    doctor,
    event_commands,
    generate_command,
    generation_commands,
    report_commands,
    slot_commands,
    token_command,
    webhook_commands,
)

COMMANDS: list[click.Command] = [
    module.command
    for module in (
        database_commands,
        doctor,
        event_commands,
        generate_command,
        generation_commands,
        report_commands,
        slot_commands,
        token_command,
        webhook_commands,
    )
]


def register_commands(app: Flask) -> None:
    for command in COMMANDS:
        app.cli.add_command(command)

"""The operator's commands, for the console script `coursegen` and for `flask --app wsgi`."""

import click
from flask import Flask

from app.cli import (
    control_commands,
    generate_command,
    generation_commands,
    inspection_commands,
    metrics_command,
    migrate_command,
    platform_command,
    token_command,
    webhook_commands,
)

COMMANDS: list[click.Command] = [
    control_commands.pause,
    control_commands.resume,
    control_commands.limit,
    control_commands.tiers,
    inspection_commands.doctor,
    inspection_commands.events,
    inspection_commands.processes,
    inspection_commands.settings,
    inspection_commands.slots,
    generate_command.command,
    generation_commands.command,
    metrics_command.command,
    migrate_command.command,
    platform_command.command,
    token_command.command,
    token_command.console_link,
    webhook_commands.command,
]


def register_commands(app: Flask) -> None:
    for command in COMMANDS:
        app.cli.add_command(command)

"""The operator's commands, for the console script `coursegen` and for `flask --app wsgi`."""

import click
from flask import Flask

from app.cli import (
    control_commands,
    generations,
    inspection_commands,
    metrics_command,
    token_command,
    webhook_commands,
    work_commands,
)
from app.cli.database import migrate, platform
from app.cli.generations import generate

COMMANDS: list[click.Command] = [
    control_commands.pause,
    control_commands.resume,
    control_commands.limit,
    control_commands.aging,
    control_commands.tiers,
    inspection_commands.doctor,
    inspection_commands.events,
    inspection_commands.processes,
    inspection_commands.settings,
    inspection_commands.slots,
    generate.command,
    generations.command,
    metrics_command.command,
    migrate.command,
    platform.command,
    token_command.command,
    token_command.console_link,
    webhook_commands.command,
    work_commands.audit,
    work_commands.queue,
    work_commands.workers,
]


def register_commands(app: Flask) -> None:
    for command in COMMANDS:
        app.cli.add_command(command)

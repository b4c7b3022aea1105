"""The operator's commands: `flask --app wsgi …`."""

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


def register_commands(app: Flask) -> None:
    for module in (
        database_commands,
        generate_command,
        slot_commands,
        generation_commands,
        event_commands,
        report_commands,
        doctor,
        token_command,
        webhook_commands,
    ):
        app.cli.add_command(module.command)

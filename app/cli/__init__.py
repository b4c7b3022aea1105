"""The operator's commands: `flask --app wsgi …`."""

from flask import Flask

from app.cli import database, doctor, events, generations, metrics, slots


def register_commands(app: Flask) -> None:
    for module in (database, slots, generations, events, metrics, doctor):
        app.cli.add_command(module.command)

"""The operator's commands: `flask --app wsgi …`."""

from flask import Flask

from app.cli import database, doctor, events, generate, generations, metrics, slots, token, webhooks


def register_commands(app: Flask) -> None:
    for module in (database, generate, slots, generations, events, metrics, doctor, token, webhooks):
        app.cli.add_command(module.command)

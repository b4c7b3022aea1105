"""What commands print. No text of the database reaches a terminal except through here, made inert."""

import sys

import click

from app.telemetry.printable import inert


def echo(text: str = "", *, err: bool = False) -> None:
    """Prints the text, made inert, and a line break."""
    click.echo(inert(text), err=err)


def echo_data(text: str) -> None:
    """Prints text for programs: exactly as it is, unless a terminal reads it."""
    click.echo(inert(text) if sys.stdout.isatty() else text, nl=False, color=True)


class CommandFailed(click.ClickException):
    """Ends the command with its message, made inert."""

    def format_message(self) -> str:
        return inert(self.message)

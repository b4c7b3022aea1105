"""`coursegen generations …`: find generations, and act on them."""

import click

from app.cli.generations import change, lists, show

command = click.Group(
    "generations",
    commands=[lists.command, show.command, show.log, change.cancel, change.retry],
    help="List, show, cancel and retry generations, and read their logs. Times are in UTC.",
)

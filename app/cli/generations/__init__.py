"""`coursegen generations …`: find generations, and act on them."""

import click

from app.cli.generations import change, lists, show

command = click.Group(
    "generations",
    commands=[lists.command, show.command, show.log, change.cancel, change.retry, change.priority],
    help="Find generations, read their logs, cancel and retry them. Times are in UTC.",
)

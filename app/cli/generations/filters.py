"""The options that choose generations. The console's list has the same filters."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import click

from app.generation.events import EVENT_TYPES
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.operations.generations.filters import FILTERS, STATUSES, BadFilter, read_filters


def _choice(name: str, values: Iterable[str], said: str) -> Callable[..., Any]:
    """An option with one of these values. Help breaks them into lines."""
    values = tuple(values)
    choice = click.Choice(values, case_sensitive=False)
    return click.option(f"--{name}", type=choice, metavar=name.upper(), help=f"{said}: {', '.join(values)}.")


_OPTIONS = (
    _choice("status", STATUSES, "Of this status"),
    _choice("tier", (tier.value for tier in Tier), "Of this tier"),
    _choice("stage", (stage.value for stage in Stage), "In this stage"),
    click.option("--user", metavar="ID", help="Of this user."),
    click.option("--course", metavar="NAME", help="Of this course: its id, slug or a part of its title."),
    click.option("--request", metavar="ID", help="Started by this request."),
    click.option("--error", metavar="TEXT", help="With this in an error."),
    _choice("event", EVENT_TYPES, "With such an event"),
    click.option("--since", metavar="TIME", help="Admitted since then: 24h, 7d, or a time in UTC."),
    click.option("--until", metavar="TIME", help="Admitted before that."),
    click.option("--stuck", metavar="SPAN", help="Active without progress for so long, such as 15m."),
)

after = click.option("--after", metavar="ID", help="Only those older than this one: the next page.")


def filtered(function: Callable[..., None]) -> Callable[..., None]:
    """The command gets the filters that its options name as `given`, which `read_filters` takes."""

    @functools.wraps(function)
    def run(*args: object, **options: Any) -> None:
        given = {name: options.pop(name) for name in FILTERS if name in options}
        given = {name: value for name, value in given.items() if value}
        try:
            read_filters(given)
            function(*args, given=given, **options)
        except BadFilter as error:
            values = {**error.values, "name": given.get(str(error.values.get("name")), "")}
            raise click.UsageError(error.text.format(**values)) from error

    for option in reversed(_OPTIONS):
        run = option(run)
    return run

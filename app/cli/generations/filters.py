"""The options that choose generations. The console's list has the same filters."""

import functools
from collections.abc import Callable
from typing import Any

import click

from app.generation.events import EventType
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.operations.search import FILTERS, STATUSES, BadFilter, read_filters

_OPTIONS = {
    "status": click.option("--status", type=click.Choice(STATUSES), help="Of this status."),
    "tier": click.option(
        "--tier", type=click.Choice([tier.value for tier in Tier], case_sensitive=False), help="Of this tier."
    ),
    "stage": click.option(
        "--stage", type=click.Choice([stage.value for stage in Stage], case_sensitive=False), help="In this stage."
    ),
    "user": click.option("--user", metavar="ID", help="Of this user."),
    "course": click.option("--course", help="Of this course: its id, slug or a part of its title."),
    "request": click.option("--request", metavar="ID", help="Started by this request."),
    "error": click.option("--error", metavar="TEXT", help="With this in an error."),
    "event": click.option("--event", type=click.Choice([kind.value for kind in EventType]), help="With such an event."),
    "since": click.option("--since", metavar="TIME", help="Admitted since: 24h, 7d, or a time in UTC."),
    "until": click.option("--until", metavar="TIME", help="Admitted before."),
    "stuck": click.option("--stuck", metavar="SPAN", help="Active without progress for so long: 15m."),
    "after": click.option("--after", metavar="ID", help="Older than this one: the next page."),
}


def filtered(function: Callable[..., None]) -> Callable[..., None]:
    """The command gets the filters that its options name as `given`, which `read_filters` takes."""

    @functools.wraps(function)
    def run(*args: object, **options: Any) -> None:
        given = {name: options.pop(name) for name in _OPTIONS if options.get(name)}
        try:
            read_filters(given)
            function(*args, given=given, **{name: value for name, value in options.items() if name not in _OPTIONS})
        except BadFilter as error:
            raise click.UsageError(str(error)) from error

    for option in reversed(_OPTIONS.values()):
        run = option(run)
    return run


assert set(_OPTIONS) == set(FILTERS) - {"id"}  # noqa: S101 - an id is shown, not searched for

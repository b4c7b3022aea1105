"""`/generations`: the generations that match a filter, whose state is the URL."""

from collections.abc import Mapping
from typing import Any

import psycopg
from flask import Blueprint, make_response, render_template, request

from app.auth.operators import ConsoleRole
from app.console.access import may, reading
from app.console.error_pages import TOO_LONG
from app.console.fragments import is_fragment, make_lasting, snapshot
from app.console.languages import mark, translate
from app.console.pages.bulk import TITLES
from app.generation.events import EVENT_TYPES
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.operations.generations.bulk import list_open
from app.operations.generations.filters import FILTERS, STATUSES, BadFilter, read_filters
from app.operations.generations.search import MOST_COUNTED, Found, search

blueprint = Blueprint("generations", __name__)
CHOICES = {
    "status": STATUSES,
    "tier": tuple(tier.value for tier in Tier),
    "stage": tuple(stage.value for stage in Stage),
    "event": EVENT_TYPES,
}


@blueprint.get("/generations")
def list_generations() -> Any:
    given = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    problem, status, found = "", 200, Found([], 0, None)
    try:
        if "error" in given and not may(ConsoleRole.OPERATOR):
            raise BadFilter(mark("A viewer does not search in the texts of errors."))
        found = _find(given)
    except BadFilter as error:
        problem, status = translate(error.text).format(**error.values), 400
    except psycopg.errors.QueryCanceled:
        problem, status = translate(TOO_LONG), 503
    filters = {name: value for name, value in given.items() if name != "after"}
    page = make_response(
        render_template(
            "generations.html",
            found=found,
            problem=problem,
            given=given,
            filters=filters,
            choices=CHOICES,
            actions=TITLES,
            open_runs=list_open(reading().db),
            most=MOST_COUNTED,
        ),
        status,
    )
    return make_lasting(page) if is_fragment() else page


def _find(given: Mapping[str, str]) -> Found:
    """What matches. Concurrent requests for the same filters share one reading."""
    db, filters, by_title = reading().db, read_filters(given), may(ConsoleRole.OPERATOR)
    name = f"generations/{by_title}/{sorted(given.items())}"
    return snapshot(name, lambda: search(db, filters, by_title=by_title))

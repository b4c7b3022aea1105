"""`/`: what is wrong, and what is under way."""

from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, request

from app.console.access import reading
from app.console.fragments import is_fragment, render_live, snapshot
from app.console.languages import mark, translate
from app.console.pages.charts import LATE, NAMES, draw_lines, find_series
from app.generation.capacity.decision import Reason
from app.generation.queue import QUEUES
from app.generation.stages import Stage
from app.operations.controls import find_limit, list_tiers
from app.operations.doctor import summarize
from app.operations.forms import find_result
from app.operations.overview import survey
from app.services import Services

blueprint = Blueprint("now", __name__)

#: Where the cause of a finding is seen, by its check.
LINKS = {
    "progress": "/generations?stuck=15m",
    "handlers": "/generations?status=running&stuck=1m",
    "pace": "/workers",
    **{f"workers of {queue}": "/workers" for queue in QUEUES},
    "places": "/slots",
    "slots": "/slots",
    "webhooks": "/webhooks?view=pending",
    "webhook receivers": "/webhooks?view=failed",
    "status of courses": "/events?type=status_refused",
}


#: Why a dynamic limit moved.
MOVES = {
    Reason.DEMAND.value: mark("requests were refused or waited, and workers had places."),
    Reason.PROCESSOR.value: mark("the workers' processors were busy."),
    Reason.MEMORY.value: mark("the workers' memory was short."),
    Reason.PROVIDERS.value: mark("a provider asked to wait."),
    Reason.PLACES.value: mark("workers were lost."),
    Reason.BOUNDS.value: mark("it keeps to its bounds."),
}


@blueprint.get("/")
def show_now() -> Response:
    """The charts fetch their own numbers, so the region that stays fresh has none of them."""
    services = reading()
    view = snapshot("now", lambda: survey(services))
    controls = {} if view.levels is None else _describe_controls(services)
    span = request.args.get("span", "")
    span = span if span in NAMES else "24h"
    return render_live(
        "now",
        title=mark("Now"),
        view=view,
        links=LINKS,
        moves=MOVES,
        sentence=summarize(view.findings, translate),
        lines=draw_lines(find_series("24h") if view.levels else None),
        span=span,
        spans=NAMES,
        late=LATE,
        series=None if is_fragment() or not view.levels else find_series(span),
        **controls,
    )


def _describe_controls(services: Services) -> dict[str, Any]:
    """What the page shows of the controls. They are read anew, since a form may just have changed them."""
    return {
        "beside": "controls.html",
        "limit": find_limit(services),
        "bounds": services.settings.limit_bounds,
        "tiers": list_tiers(services.db),
        "stages": list(Stage.__members__),
        "result": find_result(services.db, request.args.get("done", "")),
        "new_key": uuid4,
    }

"""`/`: what is wrong, and what is under way."""

from flask import Blueprint, Response, request

from app.console.access import reading
from app.console.fragments import is_fragment, render_live, snapshot
from app.console.languages import mark, translate
from app.console.pages.charts import LATE, NAMES, draw_lines, find_series
from app.operations.doctor import summarize
from app.operations.overview import survey

blueprint = Blueprint("now", __name__)


@blueprint.get("/")
def show_now() -> Response:
    """The charts fetch their own numbers, so the region that stays fresh has none of them."""
    services = reading()
    view = snapshot("now", lambda: survey(services))
    span = request.args.get("span", "")
    span = span if span in NAMES else "24h"
    day = find_series("24h") if view.levels else None
    return render_live(
        "now",
        title=mark("Now"),
        view=view,
        sentence=summarize(view.findings, translate),
        limit=services.settings.global_concurrency_limit,
        lines=draw_lines(day),
        span=span,
        spans=NAMES,
        late=LATE,
        series=None if is_fragment() or not view.levels else find_series(span),
    )

"""`/`: what is wrong, and what is under way."""

from flask import Blueprint, Response

from app.console.access import reading
from app.console.fragments import render_live, snapshot
from app.console.languages import mark, translate
from app.operations.doctor import SERVED, summarize
from app.operations.overview import survey

blueprint = Blueprint("now", __name__)

#: Where the cause of a finding is seen, by its check.
LINKS = {
    "progress": "/generations?stuck=15m",
    "handlers": "/generations?status=running&stuck=1m",
    "pace": "/workers",
    **{f"workers of {queue}": "/workers" for queue in SERVED},
    "places": "/slots",
    "slots": "/slots",
    "webhooks": "/webhooks?view=pending",
    "webhook receivers": "/webhooks?view=failed",
    "status of courses": "/events?type=status_refused",
}


@blueprint.get("/")
def show_now() -> Response:
    services = reading()
    view = snapshot("now", lambda: survey(services))
    return render_live(
        "now",
        title=mark("Now"),
        view=view,
        links=LINKS,
        sentence=summarize(view.findings, translate),
        limit=services.settings.global_concurrency_limit,
    )

"""`/`: what is wrong, and what is under way."""

from flask import Blueprint, Response

from app.console.access import reading
from app.console.fragments import render_live, snapshot
from app.console.languages import mark, translate
from app.operations.doctor import summarize
from app.operations.overview import survey

blueprint = Blueprint("now", __name__)


@blueprint.get("/")
def show_now() -> Response:
    services = reading()
    view = snapshot("now", lambda: survey(services))
    return render_live(
        "now",
        title=mark("Now"),
        view=view,
        sentence=summarize(view.findings, translate),
        limit=services.settings.global_concurrency_limit,
    )

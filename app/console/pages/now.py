"""`/`: what is wrong, and what is under way."""

from flask import Blueprint, render_template

from app.console.access import reading
from app.operations.overview import survey

blueprint = Blueprint("now", __name__)


@blueprint.get("/")
def show_now() -> str:
    services = reading()
    return render_template("now.html", view=survey(services), limit=services.settings.global_concurrency_limit)

"""`/bulk/<id>`: what an action on many generations would take, and once it is confirmed, what came of it."""

from uuid import UUID

from flask import Blueprint, Response, make_response, render_template

from app.console.access import reading
from app.console.fragments import render_live
from app.console.languages import mark
from app.operations.generations.bulk import MOST_ROWS, SHOWN, UNTYPED, WHYS, find_run

blueprint = Blueprint("bulk", __name__)
TITLES = {
    "cancel": mark("Cancel"),
    "retry": mark("Retry from the failed stage"),
    "resend": mark("Resend what was not delivered"),
}


@blueprint.get("/bulk/<uuid:run_id>")
def show_run(run_id: UUID) -> Response:
    run = find_run(reading().db, run_id)
    values = {"run": run, "whys": WHYS, "shown": SHOWN, "untyped": UNTYPED, "most": MOST_ROWS}
    if run["confirmed_at"] is None:
        return make_response(render_template("bulk.html", title=TITLES[run["action"]], **values))
    return render_live("bulk", title=TITLES[run["action"]], **values)

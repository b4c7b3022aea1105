"""`/generations/<id>`: everything about one generation, and `/generations/<id>/drafts`: what it has written."""

from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, make_response, render_template, request

from app.auth.operators import ConsoleRole
from app.console.access import may, reading, require
from app.console.fragments import is_fragment, make_lasting, snapshot
from app.generation.queue import STAGES_QUEUE
from app.operations.forms import find_result
from app.operations.generations.show import read_outline, show
from app.operations.listings import find_webhook
from app.operations.overview import list_unserved

blueprint = Blueprint("generation", __name__)

#: Lessons of an outline that are shown.
LESSONS = 200
#: Drafts of a page, and how many characters of each.
DRAFTS = 20
DRAFT_SHOWN = 4000


@blueprint.get("/generations/<uuid:generation_id>")
def show_generation(generation_id: UUID) -> Response:
    services, done, sees_texts = reading(), request.args.get("done", ""), may(ConsoleRole.OPERATOR)

    def read() -> dict[str, Any]:
        outline = read_outline(services.db, generation_id, 1, LESSONS, 0) if sees_texts else []
        webhook = find_webhook(services.db, generation_id)
        unserved = [queue for queue in list_unserved(services) if queue == STAGES_QUEUE]
        return {**show(services.db, generation_id), "outline": outline, "webhook": webhook, "unserved": unserved}

    # Who has just acted sees what came of it, and nothing older.
    shown = read() if done else snapshot(f"generation/{generation_id}/{sees_texts}", read)
    page = make_response(
        render_template(
            "generation.html",
            **shown,
            result=find_result(services.db, done),
            most_lessons=LESSONS,
            new_key=uuid4,
        )
    )
    return make_lasting(page) if is_fragment() else page


@blueprint.get("/generations/<uuid:generation_id>/drafts")
def show_drafts(generation_id: UUID) -> str:
    require(ConsoleRole.OPERATOR)
    services, given = reading(), request.args.get("from", "1")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 1
    generation = show(services.db, generation_id)["generation"]
    lessons = read_outline(services.db, generation_id, number, DRAFTS + 1, DRAFT_SHOWN)
    return render_template(
        "drafts.html", generation=generation, lessons=lessons[:DRAFTS], following=lessons[DRAFTS:], shown=DRAFT_SHOWN
    )

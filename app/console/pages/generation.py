"""`/generations/<id>`: everything about one generation, and `/generations/<id>/drafts`: what it has written."""

from uuid import UUID, uuid4

from flask import Blueprint, render_template, request

from app.auth.operators import ConsoleRole
from app.console.access import may, reading, require
from app.operations.forms import find_result
from app.operations.listings import find_webhook
from app.operations.search import read_outline, read_steps, show

blueprint = Blueprint("generation", __name__)

#: Lessons of an outline that are shown.
LESSONS = 200
#: Drafts of a page, and how many characters of each.
DRAFTS = 20
DRAFT_SHOWN = 4000


@blueprint.get("/generations/<uuid:generation_id>")
def show_generation(generation_id: UUID) -> str:
    services = reading()
    shown = show(services.db, generation_id)
    generation = shown["generation"]
    in_hand = next((row for row in reversed(shown["attempts"]) if row["outcome"] is None), None)
    return render_template(
        "generation.html",
        **shown,
        steps=read_steps(generation["progress"] if not generation["later"] else None, shown["attempts"], generation),
        in_hand=in_hand,
        progress=generation["progress"] if isinstance(generation["progress"], dict) else {},
        webhook=find_webhook(services.db, generation_id),
        result=find_result(services.db, request.args.get("done", "")),
        outline=read_outline(services.db, generation_id, 1, LESSONS, 0) if may(ConsoleRole.OPERATOR) else [],
        most_lessons=LESSONS,
        new_key=uuid4,
    )


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

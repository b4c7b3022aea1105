"""`/generations/<id>`: everything about one generation."""

from uuid import UUID, uuid4

from flask import Blueprint, render_template, request

from app.console.access import reading
from app.operations.forms import find_result
from app.operations.listings import find_webhook
from app.operations.search import show
from app.operations.steps import read_steps

blueprint = Blueprint("generation", __name__)


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
        new_key=uuid4,
    )

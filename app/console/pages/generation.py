"""`/generations/<id>`: everything about one generation, and `/generations/<id>/drafts`: what it has written."""

from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, make_response, render_template, request

from app.auth.operators import ConsoleRole
from app.console.access import may, reading, require
from app.console.fragments import is_fragment, make_lasting, snapshot
from app.console.languages import mark
from app.operations.forms import find_result
from app.operations.listings import find_webhook
from app.operations.search import read_outline, show

blueprint = Blueprint("generation", __name__)

#: Lessons of an outline that are shown.
LESSONS = 200
#: Drafts of a page, and how many characters of each.
DRAFTS = 20
DRAFT_SHOWN = 4000
#: The step that shows each stage.
STEPS = {
    "DOCUMENT_PROCESSING": 2,
    "STRUCTURE_ANALYSIS": 2,
    "STRUCTURE_GENERATION": 3,
    "TEXT_GENERATION": 4,
    "FINALIZATION": 5,
}
NAMES = (mark("Admission"), mark("Documents and analysis"), mark("Structure"), mark("Lessons"), mark("Finish"))


@blueprint.get("/generations/<uuid:generation_id>")
def show_generation(generation_id: UUID) -> Response:
    services, done, sees_texts = reading(), request.args.get("done", ""), may(ConsoleRole.OPERATOR)

    def read() -> dict[str, Any]:
        outline = read_outline(services.db, generation_id, 1, LESSONS, 0) if sees_texts else []
        webhook = find_webhook(services.db, generation_id)
        return {**show(services.db, generation_id), "outline": outline, "webhook": webhook}

    # Who has just acted sees what came of it, and nothing older.
    shown = read() if done else snapshot(f"generation/{generation_id}/{sees_texts}", read)
    generation = shown["generation"]
    page = make_response(
        render_template(
            "generation.html",
            **shown,
            steps=read_steps(
                generation["progress"] if not generation["later"] else None, shown["attempts"], generation
            ),
            in_hand=next((row for row in reversed(shown["attempts"]) if row["outcome"] is None), None),
            progress=generation["progress"] if isinstance(generation["progress"], dict) else {},
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


def read_steps(progress: Any, attempts: list[Any], generation: Any) -> list[dict[str, Any]]:
    """The five steps with the attempts of their stages. The course's progress is used as far as it is well formed.

    It is None where it is that of a later generation: then the attempts say what happened.
    """
    raw = progress.get("steps") if isinstance(progress, dict) else None
    found = {step.get("id"): step for step in raw if isinstance(step, dict)} if isinstance(raw, list) else {}
    steps = []
    for number, name in enumerate(NAMES, 1):
        step, own = found.get(number, {}), [row for row in attempts if STEPS.get(row["stage"]) == number]
        status = step.get("status") or (
            "completed"
            if number == 1 or any(row["outcome"] == "completed" for row in own)
            else own[-1]["outcome"] or "in_progress"
            if own
            else "pending"
        )
        started = step.get("started_at") or (own[0]["started_at"] if own else None)
        ended = step.get("completed_at") or (own[-1]["finished_at"] if own else None)
        if number == 1:
            started = ended = generation["created_at"]
        steps.append(
            {"name": name, "shown_as": step.get("name"), "status": status, "started": started, "ended": ended}
            | {"error": step.get("error"), "attempts": own}
        )
    return steps

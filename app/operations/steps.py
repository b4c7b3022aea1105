"""The five steps of a generation, as operators see them."""

from typing import Any

#: The step that shows each stage.
STEPS = {
    "DOCUMENT_PROCESSING": 2,
    "STRUCTURE_ANALYSIS": 2,
    "STRUCTURE_GENERATION": 3,
    "TEXT_GENERATION": 4,
    "FINALIZATION": 5,
}
NAMES = ("Admission", "Documents and analysis", "Structure", "Lessons", "Finish")


def read_steps(progress: Any, attempts: list[Any], generation: Any) -> list[dict[str, Any]]:
    """The five steps with the attempts of their stages. The course's progress is used as far as it is well formed.

    It is None where it is that of a later generation: then the attempts say what happened.
    """
    raw = progress.get("steps") if isinstance(progress, dict) else None
    whole = [step for step in raw if isinstance(step, dict)] if isinstance(raw, list) else []
    found = {number: step for step in whole if isinstance(number := step.get("id"), int)}
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

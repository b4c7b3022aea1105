"""Progress that no frontend wrote, as JSON text: what Python's reader can't hold is in it too."""

import json
from typing import Any

#: A file that exists in none of the tests, and one each of its fields is wrong in.
FILE = {"id": "1", "name": "notes.md", "path": "notes.md", "mime_type": "text/markdown", "size": 120}
WRONG_FILES: list[Any] = [
    None,
    7,
    "notes.md",
    [],
    [FILE],
    {},
    {"path": None},
    {"path": 5},
    {"path": {"a": [1]}, "name": [2], "id": {"b": 3}, "mime_type": 4, "size": "большой"},
    {**FILE, "path": ""},
    {**FILE, "path": "../../etc/passwd"},
    {**FILE, "path": "a" * 5000},
    {**FILE, "name": "я" * 5000, "size": -1},
    {**FILE, "id": True, "size": True},
]
STEPS = [
    {"id": number, "name": "шаг", "status": "pending", "started_at": None, "completed_at": None}
    for number in range(1, 6)
]
DEPTH = 1000


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def steps(*changed: object) -> str:
    """Progress of five steps, the last ones replaced."""
    return json.dumps({"steps": [*STEPS[: 5 - len(changed)], *changed], "files": []})


#: Each kept by PostgreSQL; a document of its own or a part of one.
NUMBERS = {
    "a number beyond every double": "1e400",
    "a fraction beyond every double": "-" + "9" * 400 + ".5",
    "a number beyond Python's digits": "1e5000",
    "a number next to nothing": "1e-5000",
}
PROGRESS = {
    "a string": '"generating"',
    "a list": "[1, 2, 3]",
    "a list of steps": json.dumps(STEPS),
    "a number": "5",
    "a truth": "true",
    "null": "null",
    "nothing": "{}",
    **NUMBERS,
    **{
        f"{name} among the counts": f'{{"percentage": {text}, "lessons_total": {text}}}'
        for name, text in NUMBERS.items()
    },
    **{f"{name} in the metadata": f'{{"metadata": {{"n": {text}}}}}' for name, text in NUMBERS.items()},
    **{f"{name} among the steps": f'{{"steps": [{text}, 2, 3, 4, 5]}}' for name, text in NUMBERS.items()},
    **{f"{name} as a file": f'{{"files": [{text}]}}' for name, text in NUMBERS.items()},
    **{
        f"{name} as a file's size": f'{{"files": [{{"path": "a.md", "size": {text}}}]}}'
        for name, text in NUMBERS.items()
    },
    "deep lists": nested(DEPTH),
    "deep objects": '{"a":' * DEPTH + "1" + "}" * DEPTH,
    "deep steps": f'{{"steps": {nested(DEPTH)}}}',
    "deep metadata": f'{{"metadata": {{"a": {nested(DEPTH)}}}}}',
    "deep files": f'{{"files": {nested(DEPTH)}}}',
    "a deep file name": f'{{"files": [{{"path": "a.md", "name": {nested(DEPTH)}}}]}}',
    "steps of numbers": '{"steps": [1, 2, 3, 4, 5]}',
    "steps of nothing": '{"steps": [{}, {}, {}, {}, {}]}',
    "steps of lists": json.dumps({"steps": [[step] for step in STEPS]}),
    "steps in an object": json.dumps({"steps": {str(step["id"]): step for step in STEPS}}),
    "steps in a text": json.dumps({"steps": json.dumps(STEPS)}),
    "steps backwards": json.dumps({"steps": STEPS[::-1]}),
    "four steps": json.dumps({"steps": STEPS[:4]}),
    "six steps": json.dumps({"steps": [*STEPS, {**STEPS[4], "id": 6}]}),
    "a step twice": steps(STEPS[0]),
    "a step of an unknown status": steps({**STEPS[4], "status": "done"}),
    "a step of a status that is none": steps({**STEPS[4], "status": ["pending"]}),
    "a step without a status": steps({"id": 5}),
    "a step whose number is a text": steps({**STEPS[4], "id": "5"}),
    "a step whose number is a fraction": steps({**STEPS[4], "id": 5.5}),
    "steps of wrong names and times": steps(
        {**STEPS[3], "name": 7, "started_at": {"a": 1}, "status": "in_progress"},
        {**STEPS[4], "name": None, "error": [1], "error_details": "x", "completed_at": 5},
    ),
    "all steps failed": json.dumps({"steps": [{**step, "status": "failed"} for step in STEPS]}),
    "all steps done": json.dumps({"steps": [{**step, "status": "completed"} for step in STEPS]}),
    "every count a text": '{"percentage": "x", "current_step": "x", "message": 5, "total_steps": [], "metadata": 3}',
    "counts below nothing": '{"lessons_completed": -1, "lessons_total": -1.5, "percentage": -100, "metadata": []}',
    "files in an object": '{"files": {"0": {"path": "a.md"}}}',
    "files in a text": '{"files": "notes.md"}',
    "files as a number": '{"files": 5}',
    "files of every wrong shape": json.dumps({"files": WRONG_FILES}),
    "a thousand files": json.dumps({"files": [FILE] * 1000}),
}

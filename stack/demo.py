"""`make demo`: one real course, generated from real documents through the HTTP interface, from nothing to nothing."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from stack.examples import Lesson, OwnedCourse, create_course, read_lessons
from stack.interrupts import raise_on_signals
from stack.services import TICK_S, Stack, StackError

TIER = "PREMIUM"
GENERATION_S = 120.0
DRAFT_LINES = 8
FINAL = {"completed", "failed", "cancelled"}
MARKS = {"pending": "·", "in_progress": "…", "completed": "✓", "failed": "✗"}


@dataclass(frozen=True, slots=True)
class Change:
    """A step of the course has another status; `message` is there when the change is the latest."""

    step: int
    name: str
    status: str
    percentage: int
    message: str


def main() -> int:
    """Runs the demo; returns the exit code."""
    raise_on_signals()
    console = plain_console()
    try:
        return _run(console)
    except StackError as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        if error.tails:
            print(error.tails, file=sys.stderr)
        return 1
    except (psycopg.Error, HTTPException, OSError, KeyError, ValueError) as error:
        print(f"The demo failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _run(console: Console) -> int:
    started = time.monotonic()
    console.print("Starting PostgreSQL, Redis, the API and the workers…")
    with Stack() as stack:
        console.print(f"The API is ready at {stack.api.url} after {time.monotonic() - started:.1f} s.")
        generate(stack, console)
    console.print(f"Done in {time.monotonic() - started:.1f} s; everything is stopped.")
    return 0


def plain_console() -> Console:
    """A console that prints text as it is."""
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


def generate(stack: Stack, console: Console) -> None:
    """The example's course is generated and its outline printed. Raises `StackError`."""
    course = create_course(stack.database_url, stack.secret, TIER)
    console.print(f"Generating «{course.title}» ({course.slug})")
    generation_id = _admit(stack, course)
    _show(console, _changes(stack, course))
    _print_outline(console, read_lessons(stack.database_url, generation_id))


def _admit(stack: Stack, course: OwnedCourse) -> str:
    status, answer = stack.api.call("POST", "/api/coursegen/generate", course.token, {"courseId": str(course.id)})
    if status != 200:
        raise StackError(f"the generation was refused: {status} {answer}", stack.log("api"))
    return str(answer["jobId"])


def _changes(stack: Stack, course: OwnedCourse) -> Iterator[Change]:
    """Every change of a step's status, each step's in order, until the course is completed.

    Raises `StackError` when it ends otherwise, takes too long, or a process dies.
    """
    seen: dict[int, str] = {}
    deadline = time.monotonic() + GENERATION_S
    while True:
        status, answer = stack.api.call("GET", f"/api/courses/{course.slug}/check-status", course.token)
        if status != 200:
            raise StackError(f"the progress can't be read: {status} {answer}", stack.log("api"))
        yield from _differences(seen, answer["generationProgress"])
        state = answer["currentGenerationStatus"] or answer["currentStatus"]
        if state == "completed":
            return
        logs = (stack.log("worker"), stack.log("upkeep"))
        if state in FINAL:
            raise StackError(f"the generation {state}: {answer['generationProgress']['message']}", *logs)
        if time.monotonic() > deadline:
            raise StackError(f"the generation took more than {GENERATION_S:.0f} s", *logs)
        stack.check()
        time.sleep(TICK_S)


def _differences(seen: dict[int, str], progress: dict[str, Any]) -> Iterator[Change]:
    for step in progress["steps"]:
        number, status = step["id"], step["status"]
        if seen.get(number, "pending") != status:
            seen[number] = status
            message = progress["message"] if number == progress["current_step"] else ""
            yield Change(number, step["name"], status, progress["percentage"], message)


def _show(console: Console, changes: Iterator[Change]) -> None:
    """A live bar on a terminal, a line per change elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(40), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=100)
        for change in changes:
            if change.status != "in_progress" or not console.is_terminal:
                line = f"{MARKS[change.status]} {change.step}/5 {change.name}"
                progress.console.print(f"{line}: {change.message}" if change.message else line)
            progress.update(bar, completed=change.percentage, description=f"{change.step}/5 {change.name}")


def _print_outline(console: Console, lessons: list[Lesson]) -> None:
    section = ""
    console.print("\nThe course:")
    for lesson in lessons:
        if lesson.section != section:
            section = lesson.section
            console.print(f"\n  {section}")
        console.print(f"    {lesson.number}. {lesson.title}")
    first = lessons[0]
    lines = [line for line in first.draft.splitlines() if line.strip()]
    console.print(f"\nThe draft of lesson {first.number} begins:\n")
    for line in lines[:DRAFT_LINES]:
        console.print(f"  │ {line}")
    console.print()


if __name__ == "__main__":
    sys.exit(main())

"""`coursegen generate`: starts a course's generation for its owner, and follows it if asked to."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import click
from flask.cli import with_appcontext

from app.cli.operating import operating
from app.database.queries import QUERIES
from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.errors import GenerationActive, SystemFull, UserFull
from app.generation.progress.steps import FINAL_STATUSES
from app.generation.tiers import Tier
from app.services import Services

#: Between looks at the progress: whoever watches needs no more, and no server tells.
PAUSE_S = 0.5

Progress = Mapping[str, Any]


class Refused(click.ClickException):
    """Not now: the course has a generation, or no slot is free."""

    exit_code = 3


class NotCompleted(click.ClickException):
    """The generation that was watched failed or was cancelled."""

    exit_code = 4


@click.command("generate")
@click.argument("course")
@click.option("--user", "user_id", type=click.UUID, help="The course's owner, where others have one of that slug.")
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier], case_sensitive=False),
    default=Tier.FREE.value,
    show_default=True,
    help="Whose limits and priority count: tokens say a user's tier, the database does not.",
)
@click.option("--watch", is_flag=True, help="Follow it to its end. Ctrl-C stops watching, not the generation.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for the start and for each change.")
@with_appcontext
def command(course: str, user_id: UUID | None, tier: str, watch: bool, as_json: bool) -> None:
    """Start the generation of COURSE, its id or slug, for its owner.

    Exit code 0: started, with --watch completed. 1: not possible. 3: refused for now, as the course has an active
    generation or no slot is free. 4: what was watched failed or was cancelled. 130: watching was stopped.
    """
    with operating() as services:
        found = _find(services, course, user_id)
        with _refusals():
            order = Order(found["id"], source="cli")
            caller = Caller(found["user_id"], Tier(tier))
            job = services.admissions.admit(caller, order).generation_id
        click.echo(json.dumps({"jobId": str(job)}) if as_json else f"Admitted {job}")
        if not watch:
            return
        try:
            last = _tell(_changes(services, found["id"]), as_json=as_json)
        except KeyboardInterrupt:
            click.echo(f"\nNo longer watching; generation {job} goes on.", err=True)
            raise click.exceptions.Exit(130) from None
    if last["status"] != "completed":
        raise NotCompleted(f"The generation is {last['status']}. {last['error'] or last['message']}")


def _find(services: Services, course: str, user_id: UUID | None) -> Mapping[str, Any]:
    try:
        course_id = UUID(course)
    except ValueError:
        course_id = None
    values = {"id": course_id, "slug": course, "user_id": user_id}
    with services.db.connection() as conn:
        rows = conn.execute(QUERIES["list_courses_named"], values).fetchall()
    if not rows:
        raise click.ClickException(f"There is no course {course}" + (f" of user {user_id}" if user_id else ""))
    if len(rows) > 1:
        raise click.ClickException(f"Several courses are called {course}: say its id, or the owner's with --user")
    return rows[0]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except GenerationActive as error:
        raise Refused(
            f"The course has an active generation: {error.generation_id or 'another just started'}"
        ) from error
    except UserFull as error:
        limit = f"{error.tier.value} tier allows {error.user_limit} at once"
        raise Refused(f"The owner has {error.user_active} active, and {limit}") from error
    except SystemFull as error:
        raise Refused(f"{error.system_active} generations are active, of {error.system_limit} at once") from error


def _changes(services: Services, course_id: UUID) -> Iterator[Progress]:
    """Each state of the course that differs from the one before, until its generation is over."""
    values = {"id": course_id, "stalled": services.settings.stalled_s}
    last: Progress | None = None
    while True:
        with services.db.connection() as conn:
            progress = conn.execute(QUERIES["find_progress"], values).fetchone()
        if progress is None:
            raise click.ClickException("The course was deleted")
        if progress != last:
            yield progress
        if progress["status"] in FINAL_STATUSES:
            return
        last = progress
        time.sleep(PAUSE_S)


def _tell(changes: Iterator[Progress], *, as_json: bool) -> Progress:
    """Every change is shown, the last one returned: as JSON, as a bar on a terminal, as lines elsewhere."""
    with ExitStack() as stack:
        show: Callable[[Progress], object]
        if as_json:
            show = _print_json
        elif sys.stdout.isatty():
            show = partial(_move, stack.enter_context(click.progressbar(length=100, show_eta=False)))
        else:
            show = _print_line
        for progress in changes:
            show(progress)
    return progress


def _print_json(progress: Progress) -> None:
    click.echo(json.dumps(progress, ensure_ascii=False))


def _print_line(progress: Progress) -> None:
    message = f": {progress['message']}" if progress["message"] else ""
    click.echo(f"{progress['percentage']:>3} %  {_label(progress)}{message}")


def _move(bar: Any, progress: Progress) -> None:
    bar.label = _label(progress)
    bar.update(progress["percentage"] - bar.pos)
    bar.render_progress()  # the label may be all that changed


def _label(progress: Progress) -> str:
    label = f"{progress['step']}/5 {progress['name']}"
    if progress["lessons_total"] and progress["status"] not in FINAL_STATUSES:
        label += f" ({progress['lessons_completed']}/{progress['lessons_total']})"
    return label if progress["worker_alive"] else f"{label}: no worker is alive"

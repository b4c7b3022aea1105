"""`coursegen generate`: starts a course's generation for its owner, and follows it if asked to."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import click
from psycopg.rows import DictRow

from app.cli.command_setup import operator, with_services
from app.cli.output import CommandFailed, echo
from app.cli.tables import to_json
from app.generation.errors import AdmissionsPaused, GenerationActive, SlotsFull
from app.generation.progress.steps import FINAL_STATUSES
from app.generation.tiers import Tier
from app.operations.actions import start
from app.operations.listings import find_course, follow_course
from app.services import Services
from app.telemetry.printable import inert


class Refused(CommandFailed):
    """Not now: the course has an active generation, no slot is free, or admissions are paused."""

    exit_code = 3


class NotCompleted(CommandFailed):
    """The generation that was followed failed or was cancelled."""

    exit_code = 4


@click.command("generate")
@click.argument("course")
@click.option("--user", "user_id", type=click.UUID, help="The course's owner, if several courses have that slug.")
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier], case_sensitive=False),
    help="The tier whose limits and priority apply. By default the owner's with TIER_SOURCE=database, else FREE.",
)
@click.option("--watch", is_flag=True, help="Follow it to its end. Ctrl-C stops watching, not the generation.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for the start and for each change.")
@with_services
def command(
    services: Services, course: str, user_id: UUID | None, tier: str | None, watch: bool, as_json: bool
) -> None:
    """Start the generation of COURSE for its owner. COURSE is its id or slug.

    Exit code 0: started, with --watch completed. 1: not possible. 3: refused for now, as the course has an active
    generation, no slot is free or admissions are paused. 4: with --watch, failed or cancelled. 130: watching was
    stopped.
    """
    found = find_course(services.db, course, user_id)
    try:
        job = start(services, found, Tier(tier) if tier else None, operator())
    except (AdmissionsPaused, GenerationActive, SlotsFull) as error:
        raise Refused(str(error)) from error
    echo(to_json({"jobId": str(job)}) if as_json else f"Admitted {job}")
    if not watch:
        return
    try:
        last = _print_changes(follow_course(services.db, found["id"], services.settings.stalled_s), as_json=as_json)
    except KeyboardInterrupt:
        echo(f"\nNo longer watching; generation {job} goes on.", err=True)
        raise click.exceptions.Exit(130) from None
    if last["status"] != "completed":
        raise NotCompleted(f"The generation is {last['status']}. {last['error'] or last['message']}")


def _print_changes(changes: Iterator[DictRow], *, as_json: bool) -> DictRow:
    """Prints each change: as JSON, as a bar on a terminal, else as a line. Returns the last one."""
    with_bar = sys.stdout.isatty() and not as_json
    with click.progressbar(length=100, show_eta=False) if with_bar else nullcontext() as bar:
        for progress in changes:
            if as_json:
                echo(to_json(progress))
            elif bar is None:
                message = f": {inert(progress['message'], keep='')}" if progress["message"] else ""
                echo(f"{progress['percentage']:>3} %  {_label(progress)}{message}")
            else:
                _move(bar, progress)
    return progress


def _move(bar: Any, progress: DictRow) -> None:
    bar.label = _label(progress)
    bar.update(progress["percentage"] - bar.pos)
    bar.render_progress()  # perhaps only the label has changed


def _label(progress: DictRow) -> str:
    label = f"{progress['step']}/5 {inert(str(progress['name']), keep='')}"
    if progress["lessons_total"] and progress["status"] not in FINAL_STATUSES:
        label += f" ({progress['lessons_completed']}/{progress['lessons_total']})"
    return label if progress["worker_alive"] else f"{label}: no worker is alive"

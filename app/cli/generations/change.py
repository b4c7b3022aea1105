"""`coursegen generations cancel`, `retry` and `priority`: one generation, or all that match."""

import sys
from collections.abc import Mapping
from uuid import UUID, uuid4

import click

from app.cli.command_setup import generation_id, operator, reason, with_services
from app.cli.generations.completion import complete_id
from app.cli.generations.filters import filtered
from app.cli.generations.lists import print_generations
from app.cli.output import CommandFailed, echo
from app.cli.tables import print_rows
from app.generation.audit import Actor
from app.generation.runs.cancel import MESSAGE
from app.operations import actions
from app.operations.generations import bulk
from app.operations.listings import read_rows
from app.services import Services

CHANGED = ("id", "status", "stage", "slug", "outcome", "why")

one = click.argument("generation_id", type=click.UUID, required=False, shell_complete=complete_id)
dry_run = click.option("--dry-run", is_flag=True, help="With filters: show what matches, and change nothing.")
yes = click.option("--yes", is_flag=True, help="With filters: do not ask.")


@click.command("cancel")
@one
@click.option("--all", "every", is_flag=True, help="Cancel every active generation.")
@click.option("--message", help=f"With --all: what each course shows.  [default: {MESSAGE}]")
@filtered
@dry_run
@yes
@reason
@with_services
def cancel(
    services: Services,
    given: Mapping[str, str],
    generation_id: UUID | None,
    every: bool,
    message: str | None,
    dry_run: bool,
    yes: bool,
    reason: str | None,
) -> None:
    """Cancel a generation, queued or running, or all that match.

    Exit code 1: some were not cancelled, though they could have been.
    """
    if [every, generation_id is not None, bool(given)].count(True) != 1:
        raise click.UsageError("Name a generation, or filters, or --all")
    if message is not None and not every:
        raise click.UsageError("--message goes with --all")
    if given:
        _act_on_matching(services, "cancel", given, dry_run=dry_run, yes=yes, reason=reason)
    elif generation_id is not None:
        actions.cancel(services, generation_id, operator(reason))
        echo(f"Cancelled {generation_id}")
    else:
        cancelled = actions.cancel_all(services, operator(reason), message or MESSAGE)
        echo(f"Cancelled: {len(cancelled)}")


@click.command("retry")
@one
@filtered
@dry_run
@yes
@reason
@with_services
def retry(
    services: Services,
    given: Mapping[str, str],
    generation_id: UUID | None,
    dry_run: bool,
    yes: bool,
    reason: str | None,
) -> None:
    """Admit a failed generation again, or all that match.

    Each goes on from the stage at which it failed, with a new id. The same limits hold: where the
    system is full, the rest is left. Exit code 1: some were not admitted, though they could have been.
    """
    if (generation_id is None) is not bool(given):
        raise click.UsageError("Name a generation, or filters")
    if generation_id is not None:
        echo(f"Admitted {actions.retry(services, generation_id, operator(reason))}")
    else:
        _act_on_matching(services, "retry", given, dry_run=dry_run, yes=yes, reason=reason)


@click.command("priority")
@generation_id
@click.argument("number", type=click.IntRange(actions.PRIORITIES[0], actions.PRIORITIES[-1]))
@reason
@with_services
def priority(services: Services, generation_id: UUID, number: int, reason: str | None) -> None:
    """Set the priority of a generation that waits. The largest is fetched first; tiers have 1 to 10."""
    was = actions.set_priority(services, generation_id, number, operator(reason))
    echo(f"The priority of {generation_id} is {number}; it was {was}")


def _act_on_matching(
    services: Services, action: str, given: Mapping[str, str], *, dry_run: bool, yes: bool, reason: str | None
) -> None:
    """Acts on all that match, once that is confirmed, and reports each generation that was left out."""
    if not reason and not dry_run:
        raise click.UsageError("Say why: --reason")
    found = bulk.preview(services.db, given, action)
    print_generations(found.sample, as_json=False)
    for why, count in found.skipped.items():
        echo(f"{count:,} left out: {bulk.WHYS[why]}")
    number = len(found.ids)
    echo(f"{number:,} to {action}" + (", the newest of more" if found.is_cut else ""))
    if dry_run or not number:
        return
    if not yes:
        _confirm(action, number)
    actor = operator(reason)
    run_id = bulk.prepare(services.db, found, actor.name)
    bulk.confirm(services.db, run_id, actor)
    _run(services, run_id, actor)


def _confirm(action: str, number: int) -> None:
    """Returns when the operator has typed their number. Raises `CommandFailed`."""
    refused = CommandFailed(f"Nothing was changed. Type their number, {number}, or add --yes.")
    if not sys.stdin.isatty():
        raise refused
    try:
        typed = click.prompt(f"Type their number to {action} them", err=True)
    except click.Abort as error:
        raise refused from error
    if typed.replace(",", "") != str(number):
        raise refused


def _run(services: Services, run_id: UUID, actor: Actor) -> None:
    """Works through the run; its progress goes to standard error. What it leaves is left for good."""
    holder = uuid4()
    try:
        while bulk.run_batch(services, run_id, holder):
            echo(_count(bulk.find_run(services.db, run_id)), err=True)
    finally:
        bulk.stop(services.db, run_id, actor)
        run = bulk.find_run(services.db, run_id)
        values = {"id": run_id, "limit": bulk.MOST_ROWS}
        for outcome in ("changed", "failed"):
            if run[outcome]:
                print_rows(read_rows(services.db, "list_bulk_rows", **values, outcome=outcome), CHANGED, as_json=False)
        echo(_count(run))
    if run["failed"] or run["left"]:
        raise CommandFailed(f"Not all: {run['held_up'] or 'see above'}")


def _count(run: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {run[name]}" for name in ("done", "changed", "failed", "left"))

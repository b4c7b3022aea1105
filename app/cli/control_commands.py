"""Live controls: `coursegen pause`, `resume`, `limit`, `aging`, `tiers`. Without arguments, each shows what holds."""

from collections.abc import Callable

import click
from psycopg.rows import DictRow

from app.cli.command_setup import as_json, operator, reason, with_services
from app.cli.output import echo
from app.cli.tables import print_rows
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.operations import controls
from app.services import Services

SHOWN = ("name", "value", "set_by", "set_at", "reason")
TIERS = ("tier", "slots", "priority")

what = click.argument("what", required=False, type=click.Choice([controls.ADMISSIONS, controls.STAGES]))
stage = click.option("--stage", type=click.Choice([stage.value for stage in Stage]), help="This stage alone.")


def _control(what: str, stage: str | None) -> str:
    if stage is None:
        return what
    if what != controls.STAGES:
        raise click.UsageError("--stage goes with `stages`")
    return controls.stage_control(Stage(stage))


def _show(services: Services, *, as_json: bool) -> None:
    rows = controls.list_controls(services.db)
    if rows or as_json:
        print_rows(rows, SHOWN, as_json=as_json)
    else:
        echo("Nothing is paused or overridden.")


@click.command("pause")
@what
@stage
@as_json
@reason
@with_services
def pause(services: Services, what: str | None, stage: str | None, as_json: bool, reason: str | None) -> None:
    """Pause admissions, all stages or one stage. What runs goes on, and `resume` ends the pause."""
    _pause_or_resume(services, what, stage, controls.pause, "Paused", as_json=as_json, reason=reason)


@click.command("resume")
@what
@stage
@as_json
@reason
@with_services
def resume(services: Services, what: str | None, stage: str | None, as_json: bool, reason: str | None) -> None:
    """Resume admissions, stages or one stage."""
    _pause_or_resume(services, what, stage, controls.resume, "Resumed", as_json=as_json, reason=reason)


def _pause_or_resume(
    services: Services,
    what: str | None,
    stage: str | None,
    change: Callable[..., None],
    done: str,
    *,
    as_json: bool,
    reason: str | None,
) -> None:
    if what is not None:
        name = _control(what, stage)
        change(services, name, operator(reason))
        echo(f"{done}: {name}")
    elif stage is not None:
        raise click.UsageError("--stage goes with `stages`")
    else:
        _show(services, as_json=as_json)


@click.command("limit")
@click.argument("limit", required=False, type=click.IntRange(1))
@click.option("--reset", is_flag=True, help="The environment's limit again.")
@reason
@with_services
def limit(services: Services, limit: int | None, reset: bool, reason: str | None) -> None:
    """Set how many generations may be active at once. Those that run go on."""
    if limit is not None and reset:
        raise click.UsageError("Name a limit, or --reset")
    if limit is not None:
        controls.set_limit(services, limit, operator(reason))
    elif reset:
        controls.reset_limit(services, operator(reason))
    row = _find_control(services, controls.LIMIT)
    own = services.settings.global_concurrency_limit or "auto"
    echo(f"{controls.find_limit(services)} at once{_say_who(row)}; GLOBAL_CONCURRENCY_LIMIT is {own}")


@click.command("aging")
@click.argument("seconds", required=False, type=click.IntRange(0, 10**8))
@click.option("--reset", is_flag=True, help="The environment's span again.")
@reason
@with_services
def aging(services: Services, seconds: int | None, reset: bool, reason: str | None) -> None:
    """Set after how long a waiting generation moves up a tier."""
    if seconds is not None and reset:
        raise click.UsageError("Name a number of seconds, or --reset")
    if seconds is not None:
        controls.set_aging(services, seconds, operator(reason))
    elif reset:
        controls.reset_aging(services, operator(reason))
    row, own = _find_control(services, controls.AGING), services.settings.priority_aging_s
    in_force = own if row is None else row["value"]
    span = f"after {in_force:g} s" if in_force else "never"
    echo(f"{span}{_say_who(row)}; PRIORITY_AGING_S is {own:g}")


def _find_control(services: Services, name: str) -> DictRow | None:
    return next((row for row in controls.list_controls(services.db) if row["name"] == name), None)


def _say_who(row: DictRow | None) -> str:
    return "" if row is None else f", set by {row['set_by']}"


@click.group("tiers", invoke_without_command=True)
@as_json
@click.pass_context
def tiers(context: click.Context, as_json: bool) -> None:
    """Show the tiers' slots and priorities, or change one. The next admission obeys."""
    if context.invoked_subcommand is None:
        _show_tiers(as_json=as_json)


@with_services
def _show_tiers(services: Services, as_json: bool) -> None:
    print_rows(controls.list_tiers(services.db), TIERS, as_json=as_json)


@tiers.command("set")
@click.argument("tier", type=click.Choice([tier.value for tier in Tier]))
@click.option("--slots", type=int, help="Generations of a user that may be active at once.")
@click.option("--priority", type=int, help="Larger is more urgent.")
@reason
@with_services
def set_tier(services: Services, tier: str, slots: int | None, priority: int | None, reason: str | None) -> None:
    """Change a tier's slots or priority."""
    if slots is None and priority is None:
        raise click.UsageError("Name --slots or --priority")
    row = controls.set_tier(services, Tier(tier), slots, priority, operator(reason))
    echo(f"{tier}: {row['slots']} slots, priority {row['priority']}")

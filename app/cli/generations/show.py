"""`coursegen generations show` and `log`: one generation in full, found by anything that names it."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from app.cli.command_setup import as_json, with_services
from app.cli.generations.completion import complete_id
from app.cli.generations.lists import print_generations
from app.cli.output import echo
from app.cli.tables import print_facts, print_rows
from app.generation.queue import STAGES_QUEUE
from app.operations.ages import say_age
from app.operations.generations.filters import read_time
from app.operations.generations.search import Ambiguous, find_named
from app.operations.generations.show import show
from app.operations.listings import find_webhook, read_rows
from app.operations.overview import list_unserved
from app.services import Services

FACTS = (
    *("id", "course_id", "title", "user_id", "organization_id", "request_id", "tier", "priority", "source"),
    *("shown_status", "retry_of", "retried_as", "created_at", "started_at", "finished_at", "error_message"),
)
STEPS = ("step", "status", "started", "ended", "error")
ATTEMPTS = ("stage", "outcome", "started_at", "took", "worker", "fence", "error")
EVENTS = ("timestamp", "event_type", "severity", "metadata")
DELIVERIES = ("seq", "status", "step", "state", "failures", "response", "due_at", "error")
AUDIT = ("at", "actor", "action", "reason")
#: Lines of each start's log that `show` prints; `log` prints all.
LOG_LINES = 10

name = click.argument("name", metavar="NAME", shell_complete=complete_id)


@click.command("show")
@name
@as_json
@with_services
def command(services: Services, name: str, as_json: bool) -> None:
    """Show one generation: its steps, starts, webhook, events and log.

    NAME is its id, the id of its request, or its course's slug or id: then the latest is shown.
    """
    shown = _find(services, name)
    if as_json:
        generation = shown.pop("generation")
        del shown["in_hand"]  # it is among the attempts
        print_rows([{**generation, **shown}], (), as_json=True)
        return
    echo(_say_now(shown))
    if not shown["generation"]["finished_at"] and STAGES_QUEUE in list_unserved(services):
        echo(f"No worker serves {STAGES_QUEUE}: start `coursegen worker`")
    print_facts(_list_facts(shown))
    for title, rows, columns in _list_tables(shown):
        if rows:
            echo(f"\n{title}")
            print_rows(rows, columns, as_json=False)
    for start in shown["attempts"]:
        if lines := shown["logs"].get(start["id"], "").splitlines():
            echo(f"\nLog of {start['stage']}, {start['started_at']:%Y-%m-%d %H:%M:%S}")
            echo("\n".join(f"  {line}" for line in lines[-LOG_LINES:]))


@click.command("log")
@name
@with_services
def log(services: Services, name: str) -> None:
    """Show the last lines that a generation's handlers wrote. NAME is as for show."""
    generation_id = _find(services, name)["generation"]["id"]
    starts = read_rows(services.db, "list_attempt_logs", generation_id=generation_id)
    if not starts:
        echo("No log is kept: that of a start is when it ends. The log of its worker has every line.", err=True)
    for start in starts:
        echo(f"{start['stage']} {start['started_at']:%Y-%m-%d %H:%M:%S} {start['outcome'] or 'running'}")
        for line in start["lines"].splitlines():
            echo(f"  {line}")


def _find(services: Services, name: str) -> dict[str, Any]:
    """All of the generation of that name. Lists them if there are several."""
    try:
        generation_id, others = find_named(services.db, name)
    except Ambiguous as error:
        print_generations(error.rows, as_json=False)
        raise
    if others:
        echo(f"The latest of {others + 1:,} of this course: `coursegen generations list --course {name}`\n", err=True)
    shown = show(services.db, generation_id)
    lessons = _count_lessons(shown.pop("progress"))
    return shown | {"lessons": lessons, "webhook": find_webhook(services.db, generation_id)}


def _count_lessons(progress: Mapping[str, Any]) -> str | None:
    total = progress.get("lessons_total")
    return f"{progress.get('lessons_completed')} of {total}" if total else None


def _say_now(shown: Mapping[str, Any]) -> str:
    """What it does now, in a sentence."""
    generation = shown["generation"]
    began = f"{generation['slug']}: {generation['status']}"
    if generation["finished_at"]:
        ended_by = f", by {generation['ended_by']}" if generation["ended_by"] else ""
        return f"{began} since {generation['finished_at']:%Y-%m-%d %H:%M:%S}{ended_by}"
    idle = f"no progress for {say_age(generation['idle_s'])}"
    if generation["paused_why"]:
        return f"{began}, paused until {generation['paused_until']:%H:%M:%S}: {generation['paused_why']}; {idle}"
    in_hand = shown["in_hand"]
    if in_hand is None:
        return f"{began}; {generation['stage']} waits for a worker; {idle}"
    return f"{began}; {in_hand['worker']} has had {in_hand['stage']} in hand for {say_age(in_hand['took_s'])}; {idle}"


def _list_facts(shown: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    generation, spending = shown["generation"], shown["spending"]
    for field in FACTS:
        if generation[field] is not None:
            yield field, generation[field]
    yield "slots", f"user {generation['user_slot'] or '-'}, system {generation['system_slot'] or '-'}"
    if generation["fence"] > 1:
        yield "take-overs", generation["fence"] - 1
    if shown["units"]:
        yield "saved units", ", ".join(f"{row['units']} of {row['stage']}" for row in shown["units"])
    if spending:
        yield "spent", f"{spending['calls']} calls, {spending['tokens']} tokens, {spending['money']} in money"


def _read(moment: Any) -> Any:
    """A time of a course's progress, which others may write, as far as it is one."""
    return read_time(moment) if isinstance(moment, str) else moment


def _list_tables(shown: Mapping[str, Any]) -> Iterator[tuple[str, list[Any], tuple[str, ...]]]:
    steps = [
        {**step, "step": f"{number} {step['name']}", "started": _read(step["started"]), "ended": _read(step["ended"])}
        for number, step in enumerate(shown["steps"], 1)
    ]
    lessons = f" ({shown['lessons']} lessons)" if shown["lessons"] else ""
    yield f"Steps{lessons}", steps, STEPS
    yield "Starts", [{**row, "took": say_age(row["took_s"])} for row in shown["attempts"]], ATTEMPTS
    webhook = shown["webhook"]
    yield f"Webhook {webhook['url']}", webhook["deliveries"], DELIVERIES
    yield "Events", shown["events"], EVENTS
    yield "Who did what", shown["audit"], AUDIT

"""The pages that are one table: workers, queue, slots, webhooks, events, periodic work, settings and audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, abort, render_template, request

from app.console.access import reading
from app.console.fragments import render_live, snapshot
from app.console.languages import mark, translate
from app.generation.events import EVENT_TYPES
from app.operations.controls import find_limit
from app.operations.forms import find_result
from app.operations.generations.filters import SAID, read_span
from app.operations.listings import EVERY_CHANGE, compare_slots, list_periodic, read_rows
from app.operations.overview import list_queue, list_unserved, list_workers
from app.operations.processes.settings import CONFLICTS, DIFFERS, SAME, list_processes, list_settings

blueprint = Blueprint("listings", __name__)
ROWS = 200


@dataclass(frozen=True, slots=True)
class Table:
    """A page of one table. `columns`: each one's key in the rows, its heading, and how it is shown."""

    title: str
    columns: Sequence[tuple[str, str, str]]
    rows: Sequence[Mapping[str, Any]]
    empty: str
    intro: str = ""
    #: Links above the table that narrow it, by their names.
    views: Mapping[str, str] | None = None
    #: The columns that identify a row. With a key, new rows are announced, and none moves meanwhile.
    key: Sequence[str] = ()
    #: The queues that nobody serves, if they concern the table.
    unserved: Sequence[str] = ()

    def name_row(self, row: Mapping[str, Any]) -> str:
        """The id of the row's element: it stays the same while the row does."""
        told = repr([row[name] for name in self.key])
        return f"row-{blake2b(told.encode(), digest_size=8).hexdigest()}"


@blueprint.get("/workers")
def show_workers() -> Response:
    services = reading()
    workers, unserved = snapshot("workers", lambda: (list_workers(services), list_unserved(services)))
    versions = {worker["version"] for worker in workers if worker["is_alive"]}
    return render_live("workers", title=mark("Workers"), workers=workers, unserved=unserved, versions=versions)


@blueprint.get("/queue")
def show_queue() -> Response:
    columns = [
        *(("queue", mark("Queue"), "text"), ("priority", mark("Priority"), "number"), ("task", mark("Task"), "text")),
        *(("generation_id", mark("Generation"), "generation"), ("waiting_s", mark("Waits for"), "age")),
        *(("scheduled_at", mark("Not before"), "time"), ("attempts", mark("Attempts"), "number")),
        ("aged_priority", mark("Priority with aging"), "number"),
    ]
    services = reading()
    rows, unserved = snapshot("queue", lambda: (list_queue(services, ROWS), list_unserved(services)))
    intro = mark(
        "In the order in which workers fetch them; the first 200. The last column shows whom PRIORITY_AGING_S=900 would"
        " help: those that later ones have overtaken."
    )
    empty = mark("Nothing waits: workers keep up.")
    return _show(Table(mark("Queue"), columns, rows, empty, intro, key=["id"], unserved=unserved))


@blueprint.get("/slots")
def show_slots() -> str:
    services = reading()
    system, *users = compare_slots(services)
    slots = [system, *sorted(users, key=lambda row: not row["drift"])]
    return render_template(
        "slots.html",
        slots=slots[:ROWS],
        holders=len(slots),
        limit=find_limit(services),
        result=find_result(services.db, request.args.get("done", "")),
        key=uuid4(),
    )


@blueprint.get("/webhooks")
def show_webhooks() -> Response:
    view = _choose("view", "all", ("all", "pending", "failed"))
    columns = [
        *(
            ("created_at", mark("Created"), "time"),
            ("slug", mark("Course"), "text"),
            ("generation_id", mark("Generation"), "generation"),
        ),
        *(
            ("seq", mark("No"), "number"),
            ("status", mark("Status"), "text"),
            ("state", mark("State"), "state"),
            ("due_at", mark("Due"), "time"),
        ),
        *(
            ("receiver", mark("Receiver"), "private"),
            ("failures", mark("Failures"), "number"),
            ("response", mark("Response"), "number"),
            ("error", mark("Error"), "private"),
        ),
    ]
    values = {"course": None, "generation_id": None, "failed": view == "failed", "pending": view == "pending"}
    db = reading().db
    rows = snapshot(
        f"webhooks/{view}",
        lambda: read_rows(db, "list_webhook_deliveries", **values, since_s=7 * 86400, limit=ROWS),
    )
    views = {
        mark("All"): "/webhooks",
        mark("Pending"): "/webhooks?view=pending",
        mark("Failed"): "/webhooks?view=failed",
    }
    intro = mark("The latest 200 within 7 days. A generation's page resends its own.")
    empty = mark("There is none of these.")
    return _show(Table(mark("Webhooks"), columns, rows, empty, intro, views, ["generation_id", "seq"]))


@blueprint.get("/events")
def show_events() -> Response:
    kind, since = _choose("type", None, EVENT_TYPES), request.args.get("since") or "7d"
    columns = [
        *(
            ("timestamp", mark("Time"), "time"),
            ("event_type", mark("Event"), "text"),
            ("severity", mark("Severity"), "state"),
        ),
        *(
            ("job_id", mark("Generation"), "generation"),
            ("course_id", mark("Course"), "course"),
            ("user_id", mark("User"), "user"),
        ),
        ("metadata", mark("Details"), "private"),
    ]
    seconds = read_span(since)
    if seconds is None:
        abort(400, translate(SAID["span"]).format(name="since"))
    db = reading().db
    rows = snapshot(
        f"events/{seconds}/{kind}",
        lambda: read_rows(db, "list_events", event_type=kind, since_s=seconds, limit=ROWS),
    )
    views = {mark("All"): "/events"} | {kind: f"/events?type={kind}" for kind in EVENT_TYPES}
    key, empty = [name for name, _, _ in columns], mark("None. That is good.")
    return _show(Table(mark("Events"), columns, rows, empty, mark("The latest 200."), views, key))


@blueprint.get("/audit")
def show_audit() -> Response:
    columns = [
        *(
            ("at", mark("Time"), "time"),
            ("actor", mark("Who"), "text"),
            ("action", mark("Did"), "text"),
            ("reason", mark("Why"), "private"),
        ),
        *(("generation_id", mark("Generation"), "generation"), ("course_id", mark("Course"), "course")),
        ("details", mark("Details"), "private"),
    ]
    db = reading().db
    rows = snapshot("audit", lambda: read_rows(db, "list_audit", **EVERY_CHANGE, limit=ROWS))
    intro = mark("The latest 200 changes by people.")
    key, empty = [name for name, _, _ in columns], mark("Nobody has changed anything.")
    return _show(Table(mark("Audit"), columns, rows, empty, intro, key=key))


@blueprint.get("/periodic")
def show_periodic() -> Response:
    columns = [
        *(("task", mark("Task"), "text"), ("does", mark("What it does"), "said")),
        *(("last_at", mark("Last time"), "time"), ("state", mark("Outcome"), "state")),
        *(("due_at", mark("Next time"), "time"), ("punctuality", mark("Due"), "state")),
        *(("failed_at", mark("Last failure"), "time"), ("workers", mark("Served by"), "text")),
    ]
    services = reading()
    rows = snapshot("periodic", lambda: list_periodic(services))
    intro = mark("The work of upkeep. Why one failed is in the log of its worker.")
    return _show(Table(mark("Periodic"), columns, rows, "", intro))


@blueprint.get("/settings")
def show_settings() -> Response:
    columns = [
        *(("setting", mark("Setting"), "text"), ("value", mark("Value"), "private")),
        *(("state", mark("State"), "state"), ("processes", mark("Processes"), "lines")),
    ]
    services = reading()
    rows = snapshot("settings", lambda: list_settings(services, "console"))
    rows = [{**row, "processes": [translate(mark("all"))]} if row["state"] == SAME else row for row in rows]
    rows.sort(key=lambda row: (CONFLICTS, DIFFERS, SAME).index(row["state"]))
    intro = mark(
        "Those of every live process. Of secrets there is a fingerprint: the first 8 digits of their SHA-256. Settings"
        " that conflict should be the same everywhere; those that differ may."
    )
    processes = snapshot("processes", lambda: list_processes(services))
    table = Table(mark("Settings"), columns, rows, "", intro)
    return render_live("settings", title=table.title, table=table, processes=processes)


def _choose(name: str, default: str | None, choices: Sequence[str]) -> str | None:
    """The view that the URL names. Rejects the request with a sentence if there is no such view."""
    chosen = request.args.get(name) or default
    if chosen != default and chosen not in choices:
        abort(400, translate(SAID["choice"]).format(name=name, names=", ".join(choices)))
    return chosen


def _show(table: Table) -> Response:
    return render_live("table", title=table.title, table=table)

"""The pages that are one table: workers, queue, slots, webhooks, events, settings and audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from flask import Blueprint, Response, render_template, request
from psycopg.conninfo import conninfo_to_dict

from app.console.access import reading
from app.console.error_pages import show_error
from app.console.fragments import render_live, snapshot
from app.console.languages import mark, translate
from app.generation.events import EventType
from app.operations.forms import find_result
from app.operations.listings import compare_slots, read_rows
from app.operations.overview import QUEUES, list_workers
from app.operations.search import SAID, read_span
from app.settings import HIDDEN, Settings

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


@blueprint.get("/workers")
def show_workers() -> Response:
    services = reading()
    workers = snapshot("workers", lambda: list_workers(services))
    live = [queue for worker in workers if worker["is_alive"] for queue in worker["queues"]]
    lacking = [queue for queue in QUEUES if queue not in live]
    versions = {worker["version"] for worker in workers if worker["is_alive"]}
    return render_live("workers", title=mark("Workers"), workers=workers, lacking=lacking, versions=versions)


@blueprint.get("/queue")
def show_queue() -> Response:
    columns = [
        *(("queue", mark("Queue"), "text"), ("priority", mark("Priority"), "text"), ("task", mark("Task"), "text")),
        *(("generation_id", mark("Generation"), "generation"), ("waiting_s", mark("Waits for"), "age")),
        *(("scheduled_at", mark("Not before"), "time"), ("attempts", mark("Attempts"), "text")),
    ]
    db = reading().db
    rows = snapshot("queue", lambda: read_rows(db, "list_waiting_jobs", queues=list(QUEUES), limit=ROWS))
    intro = mark("In the order in which workers fetch them; the first 200.")
    return _show(Table(mark("Queue"), columns, rows, mark("Nothing waits: workers keep up."), intro))


@blueprint.get("/slots")
def show_slots() -> str:
    services = reading()
    return render_template(
        "slots.html",
        slots=compare_slots(services),
        limit=services.settings.global_concurrency_limit,
        result=find_result(services.db, request.args.get("done", "")),
        key=uuid4(),
    )


@blueprint.get("/webhooks")
def show_webhooks() -> Response:
    view = request.args.get("view", "all")
    columns = [
        *(
            ("created_at", mark("Created"), "time"),
            ("slug", mark("Course"), "text"),
            ("generation_id", mark("Generation"), "generation"),
        ),
        *(
            ("seq", mark("No"), "text"),
            ("status", mark("Status"), "text"),
            ("state", mark("State"), "state"),
            ("due_at", mark("Due"), "time"),
        ),
        *(
            ("failures", mark("Failures"), "text"),
            ("response", mark("Response"), "text"),
            ("error", mark("Error"), "private"),
        ),
    ]
    values = {"course": None, "generation_id": None, "failed": view == "failed", "pending": view == "pending"}
    rows = read_rows(reading().db, "list_webhook_deliveries", **values, since_s=7 * 86400, limit=ROWS)
    views = {
        mark("All"): "/webhooks",
        mark("Pending"): "/webhooks?view=pending",
        mark("Failed"): "/webhooks?view=failed",
    }
    intro = mark("The latest 200 within 7 days. A generation's page resends its own.")
    return _show(Table(mark("Webhooks"), columns, rows, mark("There is none of these."), intro, views))


@blueprint.get("/events")
def show_events() -> Any:
    kind, since = request.args.get("type") or None, request.args.get("since") or "7d"
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
        return show_error(400, translate(SAID["span"]).format(name="since"))
    rows = read_rows(reading().db, "list_events", event_type=kind, since_s=seconds, limit=ROWS)
    views = {mark("All"): "/events"} | {event.value: f"/events?type={event.value}" for event in EventType}
    return _show(Table(mark("Events"), columns, rows, mark("None. That is good."), mark("The latest 200."), views))


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
    rows = read_rows(reading().db, "list_audit", generation_id=None, limit=ROWS)
    intro = mark("The latest 200 changes by people.")
    return _show(Table(mark("Audit"), columns, rows, mark("Nobody has changed anything."), intro))


@blueprint.get("/settings")
def show_settings() -> Response:
    columns = [("name", mark("Setting"), "text"), ("value", mark("Value"), "text")]
    intro = mark("Those of this process. Secrets are not shown.")
    return _show(Table(mark("Settings"), columns, list_settings(reading().settings), "", intro))


def list_settings(settings: Settings) -> list[dict[str, Any]]:
    """Every setting with its value; of a secret, whether there is one; of a server, where it is."""
    rows = []
    for setting in fields(Settings):
        value = getattr(settings, setting.name)
        if setting.name in HIDDEN:
            value = "set" if value else "not set"
        elif setting.name == "database_url":
            parts = conninfo_to_dict(value)
            value = (
                f"{parts.get('user', '')}@{parts.get('host', '')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
            )
        elif setting.name in ("redis_url", "jwt_jwks_url") and value:
            parts = urlsplit(value)
            value = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        elif isinstance(value, Mapping):
            value = ", ".join(f"{getattr(key, 'value', key)}: {_plain(each)}" for key, each in value.items())
        rows.append({"name": setting.name.upper(), "value": _plain(value)})
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        value = [f"{name}={each}" for name, each in value.items() if each is not None] or "default"
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(getattr(value, "value", value))


def _show(table: Table) -> Response:
    return render_live("table", title=table.title, table=table)

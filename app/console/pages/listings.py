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
from app.generation.events import EventType
from app.operations.forms import find_result
from app.operations.listings import compare_slots, read_rows
from app.operations.overview import QUEUES, list_workers
from app.operations.search import BadFilter, read_span
from app.settings import SECRETS, Settings

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
    return render_live("workers", title="Workers", workers=workers, lacking=lacking, versions=versions)


@blueprint.get("/queue")
def show_queue() -> Response:
    columns = [
        *(("queue", "Queue", "text"), ("priority", "Priority", "text"), ("task", "Task", "text")),
        *(("generation_id", "Generation", "generation"), ("waiting_s", "Waits for", "age")),
        *(("scheduled_at", "Not before", "time"), ("attempts", "Attempts", "text")),
    ]
    db = reading().db
    rows = snapshot("queue", lambda: read_rows(db, "list_waiting_jobs", queues=list(QUEUES), limit=ROWS))
    intro = f"In the order in which workers fetch them; the first {ROWS}."
    return _show(Table("Queue", columns, rows, "Nothing waits: workers keep up.", intro))


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
        *(("created_at", "Created", "time"), ("slug", "Course", "text"), ("generation_id", "Generation", "generation")),
        *(("seq", "No", "text"), ("status", "Status", "text"), ("state", "State", "state"), ("due_at", "Due", "time")),
        *(("failures", "Failures", "text"), ("response", "Response", "text"), ("error", "Error", "private")),
    ]
    values = {"course": None, "generation_id": None, "failed": view == "failed", "pending": view == "pending"}
    rows = read_rows(reading().db, "list_webhook_deliveries", **values, since_s=7 * 86400, limit=ROWS)
    views = {"All": "/webhooks", "Pending": "/webhooks?view=pending", "Failed": "/webhooks?view=failed"}
    intro = f"The latest {ROWS} within 7 days. A generation's page resends its own."
    return _show(Table("Webhooks", columns, rows, "There is none of these.", intro, views))


@blueprint.get("/events")
def show_events() -> Any:
    kind, since = request.args.get("type") or None, request.args.get("since") or "7d"
    columns = [
        *(("timestamp", "Time", "time"), ("event_type", "Event", "text"), ("severity", "Severity", "state")),
        *(("job_id", "Generation", "generation"), ("course_id", "Course", "course"), ("user_id", "User", "user")),
        ("metadata", "Details", "private"),
    ]
    seconds = read_span(since)
    if seconds is None:
        return show_error(400, "“since” is no span of time: 90s, 30m, 24h or 7d.")
    rows = read_rows(reading().db, "list_events", event_type=kind, since_s=seconds, limit=ROWS)
    views = {"All": "/events"} | {event.value: f"/events?type={event.value}" for event in EventType}
    return _show(Table("Events", columns, rows, "None. That is good.", f"The latest {ROWS} within {since}.", views))


@blueprint.get("/audit")
def show_audit() -> Response:
    columns = [
        *(("at", "Time", "time"), ("actor", "Who", "text"), ("action", "Did", "text"), ("reason", "Why", "private")),
        *(("generation_id", "Generation", "generation"), ("course_id", "Course", "course")),
        ("details", "Details", "private"),
    ]
    rows = read_rows(reading().db, "list_audit", generation_id=None, limit=ROWS)
    intro = f"The latest {ROWS} changes by people."
    return _show(Table("Audit", columns, rows, "Nobody has changed anything.", intro))


@blueprint.get("/settings")
def show_settings() -> Response:
    columns = [("name", "Setting", "text"), ("value", "Value", "text")]
    intro = "Those of this process. Secrets are not shown."
    return _show(Table("Settings", columns, list_settings(reading().settings), "", intro))


def list_settings(settings: Settings) -> list[dict[str, Any]]:
    """Every setting with its value; of a secret, whether there is one; of a server, where it is."""
    rows = []
    for setting in fields(Settings):
        value = getattr(settings, setting.name)
        if setting.name in SECRETS:
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


blueprint.register_error_handler(BadFilter, lambda error: show_error(400, str(error)))

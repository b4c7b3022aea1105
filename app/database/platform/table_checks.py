"""Checks of the tables that are shared with the platform: what they lack, and what is in the way."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.database.platform.remarks import Kind, Remark

EVENT_TYPES = (
    "job_rollback",
    "orphaned_job_recovery",
    "concurrency_limit_hit",
    "worker_timeout",
    "rpc_retry_exhausted",
    "duplicate_job_detected",
)
SEVERITIES = ("info", "warn", "error", "fatal")

#: The types that our statements can use: exact names, or all text.
TEXT = ("text", "character varying", "character", "citext")
TIME = ("timestamp with time zone", "timestamp without time zone")
JSON = ("jsonb",)
ID = ("uuid",)
NEEDED = {"id": ID, "user_id": ID, "title": TEXT, "slug": TEXT}
#: What `migrate` adds where it is missing, and writes.
ADDED = {
    "generation_progress": JSON,
    "generation_started_at": TIME,
    "generation_completed_at": TIME,
    "last_progress_update": TIME,
    "updated_at": TIME,
    "created_at": TIME,
    "error_message": TEXT,
    "error_details": JSON,
    "organization_id": ID,
}
READ = (
    "language", "style", "course_description", "target_audience", "difficulty", "lesson_duration_minutes",
    "learning_outcomes", "estimated_lessons", "estimated_sections", "content_strategy", "output_formats", "status",
    "webhook_url",
)  # fmt: skip
WRITTEN = (*list(ADDED)[:5], "error_message", "error_details")
METRICS = {
    "id": ID,
    "event_type": ("metric_event_type",),
    "severity": ("metric_severity",),
    "user_id": ID,
    "course_id": ID,
    "job_id": TEXT,
    "metadata": JSON,
    "timestamp": TIME,
}


def check_courses(courses: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> Iterator[Remark]:
    if courses is None:
        yield Remark(Kind.FITS, "courses", "The table courses will be created, with row-level security.")
        return
    yield from _check_table("courses", courses)
    if courses["persistence"] == "u":
        says = "courses is unlogged, so that no lasting table can refer to it."
        yield Remark(Kind.OBSTACLE, "courses", says, "alter table courses set logged;")
    columns = courses["columns"]
    missing = [name for name in NEEDED if name not in columns]
    for name in missing:
        how = f"alter table courses add column {name} …"
        yield Remark(Kind.OBSTACLE, "courses", f"courses has no column {name}, which every course needs.", how)
    if "id" in columns and not courses["id_is_unique"]:
        how = "alter table courses add primary key (id);"
        yield Remark(Kind.OBSTACLE, "courses", "courses.id is not unique, so that nothing can refer to it.", how)
    yield from _check_types("courses", columns, NEEDED | ADDED)
    for name in WRITTEN:
        if name in columns and columns[name]["computed"]:
            how = f"Drop the expression of courses.{name}, or rename the column."
            yield Remark(Kind.OBSTACLE, "courses", f"courses.{name} is generated and can't be written.", how)
    added = [name for name in (*ADDED, *READ) if name not in columns]
    if added:
        says = f"courses gets these columns, and no row is rewritten: {', '.join(added)}. Rollback drops them."
        yield Remark(Kind.ADOPTED, "courses", says)
    else:
        yield Remark(Kind.FITS, "courses", "courses has every column.")
    if courses["triggers"]:
        says = f"Triggers of courses run at each write of ours: {', '.join(courses['triggers'])}."
        yield Remark(Kind.ADOPTED, "courses", says)
    if courses["forced"] and not facts["bypasses_rls"]:
        how = f"alter role {facts['login']} bypassrls; or: alter table courses no force row level security;"
        says = "courses forces row-level security on its owner, so that no generation could write it."
        yield Remark(Kind.OBSTACLE, "courses", says, how)


def _check_table(name: str, table: Mapping[str, Any]) -> Iterator[Remark]:
    if table["kind"] not in ("r", "p"):
        yield Remark(Kind.OBSTACLE, name, f"{name} is no table.", f"Rename it, or make {name} a table.")
    if not table["mine"]:
        how = f"Run it as a member of {table['owner']}: grant {table['owner']} to the login of migrate;"
        yield Remark(Kind.OBSTACLE, name, f"{name} belongs to {table['owner']}; only its owner may adopt it.", how)
    if table["rls"]:
        says = f"{name} has row-level security and gets one policy, coursegen_service. Rollback drops it."
        yield Remark(Kind.ADOPTED, name, says)
        if restrictive := table["restrictive"]:
            says = f"{name} has restrictive policies for every role, which may hide rows: {', '.join(restrictive)}."
            how = " ".join(f"alter policy {policy} on {name} to authenticated;" for policy in restrictive)
            yield Remark(Kind.DECIDE, name, says, how)


def _check_types(table: str, columns: Mapping[str, Any], expected: Mapping[str, tuple[str, ...]]) -> Iterator[Remark]:
    for name, types in expected.items():
        if name in columns and columns[name]["type"].removeprefix("public.") not in types:
            how = f"alter table {table} alter {name} type {types[0]} using …; or rename the column."
            says = f"{table}.{name} is {columns[name]['type']}, not {types[0]}."
            yield Remark(Kind.OBSTACLE, table, says, how)


def check_metrics(metrics: Mapping[str, Any] | None, types: Mapping[str, Any]) -> Iterator[Remark]:
    for name, expected in (("metric_event_type", EVENT_TYPES), ("metric_severity", SEVERITIES)):
        found = types.get(name)
        if found is None:
            continue
        if found["kind"] != "e":
            yield Remark(Kind.OBSTACLE, name, f"The type {name} is no enum.", "Rename it.")
        elif lacking := [label for label in expected if label not in found["labels"]]:
            how = " ".join(f"alter type {name} add value '{label}';" for label in lacking)
            yield Remark(Kind.OBSTACLE, name, f"{name} lacks {', '.join(lacking)}.", how)
        else:
            yield Remark(Kind.ADOPTED, name, f"The enum {name} is used as it is; no label is added.")
    if metrics is None:
        yield Remark(Kind.FITS, "system_metrics", "The table system_metrics will be created.")
        return
    yield from _check_table("system_metrics", metrics)
    columns = metrics["columns"]
    if lacking := [name for name in METRICS if name not in columns]:
        how = "Rename the table, so that system_metrics is created."
        yield Remark(Kind.OBSTACLE, "system_metrics", f"system_metrics lacks {', '.join(lacking)}.", how)
    yield from _check_types("system_metrics", columns, METRICS)
    foreign = [name for name, column in columns.items() if name not in METRICS and column["required"]]
    if foreign:
        how = " ".join(f"alter table system_metrics alter {name} set default …;" for name in foreign)
        yield Remark(Kind.OBSTACLE, "system_metrics", f"An event of ours has no {', '.join(foreign)}.", how)
    yield Remark(Kind.ADOPTED, "system_metrics", "Events are rows of the platform's system_metrics.")

"""Checks of the workers and of the work under way."""

from collections.abc import Iterator

from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.queue import QUEUES, STAGES_QUEUE, WEBHOOKS_QUEUE
from app.generation.stages import Stage
from app.operations.doctor.findings import Finding, State, judge
from app.operations.doctor.texts import Said, join, say
from app.operations.listings import STUCK_S
from app.settings import Settings
from app.settings.stages import COMPUTING

#: How long a webhook may be overdue; a busy receiver causes some delay.
OVERDUE_S = 120
#: When a handler is silent: after so many times as its stage usually takes, but not before and not later than these.
SILENT_TIMES, SILENT_S, LONGEST_SILENT_S = 10, 60, 300
#: How far back starts count that were refused because all places were taken.
REFUSED_S = 300
#: How long a transaction that locks something of ours may be open.
OPEN_S = 30


def check_work(conn: Connection[DictRow], settings: Settings, server: DictRow, limit: int) -> Iterator[Finding]:
    """The findings about what runs, waits and is sent. `server` is the row of `inspect_server`."""
    silent = {"times": SILENT_TIMES, "least_s": SILENT_S, "most_s": LONGEST_SILENT_S, "stuck_s": STUCK_S}
    progress = only_row(conn.execute(QUERIES["inspect_progress"], {"stuck_s": STUCK_S}))
    pace = only_row(conn.execute(QUERIES["inspect_pace"], {**silent, "refused_s": REFUSED_S}))
    yield _check_progress(progress)
    yield _check_handlers(pace)
    yield _check_pace(settings, pace)
    yield from _check_workers(settings, server)
    yield _check_places(pace, limit)
    yield _check_webhooks(settings, server)
    yield _check_receivers(server)


def _check_progress(progress: DictRow) -> Finding:
    stuck, age = progress["stuck"], float(progress["longest_s"] or 0)
    found = say("{stuck} active generations without any for {age}", stuck=stuck, age=STUCK_S)
    clause = "stuck" if stuck > 1 else "one stuck"
    advice = say("See `coursegen generations show` and the workers of `stages`.")
    return judge("progress", found, State.ERROR, advice, when=stuck > 0, clause=clause, stuck=stuck, age=age)


def _check_handlers(pace: DictRow) -> Finding:
    silent, age, first = pace["silent"], float(pace["silent_s"] or 0), pace["first_silent"]
    if not first:
        return Finding(State.OK, "handlers", say("none is silent for long"))
    found = say("{stage} of {job} in {worker} has reported nothing for {age}", age=age, **first)
    advice = say(
        "See the log of its worker. `coursegen generations cancel {job}` ends it; at its time limit it is tried again.",
        job=first["job"],
    )
    clause = "silent" if silent > 1 else "one silent"
    return Finding(State.WARNING, "handlers", found, advice, clause, {"silent": silent, "age": age})


def _check_pace(settings: Settings, pace: DictRow) -> Finding:
    """Whether any stage completes while jobs wait: a stage ends by its time limit."""
    longest_s = max(settings.limits_of(stage).total_s for stage in Stage if stage not in COMPUTING)
    waited_s, completed_s = float(pace["waited_s"] or 0), pace["completed_s"]
    age = waited_s if completed_s is None else min(waited_s, float(completed_s))
    found = say("no stage has ended yet")
    if completed_s is not None:
        found = say("a stage completed {age} ago", age=completed_s)
    found += say(", a job has waited for {age}", age=waited_s) if waited_s else say(", no job waits")
    advice = say("See what the workers do: `coursegen generations list --status running`, and their logs.")
    return judge("pace", found, State.ERROR, advice, when=age > longest_s, clause="standstill", age=age)


def _check_workers(settings: Settings, server: DictRow) -> Iterator[Finding]:
    """A finding for each queue: nothing else takes the place of a worker that serves it."""
    for queue, workers in zip(QUEUES, server["workers"], strict=True):
        found = say("{workers} alive", workers=workers)
        if queue == STAGES_QUEUE:
            found += say(", {waiting} stages waiting", waiting=server["waiting"])
            if server["oldest_s"] is not None:
                found += say(", the oldest generation for {age}", age=server["oldest_s"])
        unused = queue == WEBHOOKS_QUEUE and settings.webhook_secret is None
        advice = say("Start `coursegen worker`, or `coursegen worker --only {queue}`.", queue=queue)
        is_lacking = workers == 0 and not unused
        yield judge(f"workers of {queue}", found, State.ERROR, advice, when=is_lacking, clause="workers", queue=queue)


def _check_places(pace: DictRow, limit: int) -> Finding:
    used, refused = pace["places"], pace["refused"]
    found = say("{used} of {limit} taken", used=used, limit=limit)
    if refused:
        found += say(", starts refused within {age}: {refused}", refused=refused, age=REFUSED_S)
    advice = say("If workers have free places, raise the limit by `coursegen limit`; else start more workers.")
    is_full = used >= limit and refused > 0
    return judge("places", found, State.WARNING, advice, when=is_full, clause="full", limit=limit)


def _check_webhooks(settings: Settings, server: DictRow) -> Finding:
    found = say("{webhooks} waiting", webhooks=server["webhooks"])
    if server["webhooks"] and settings.webhook_secret is None:
        advice = say("Set WEBHOOK_SECRET: nothing is sent without it.")
        return Finding(State.WARNING, "webhooks", found, advice, "unsigned webhooks")
    overdue_s = float(server["overdue_s"] or 0)
    late = overdue_s > OVERDUE_S
    if late:
        found += say(", one is {age} overdue", age=overdue_s)
    advice = say("Start `coursegen worker`, or `coursegen worker --only {queue}`.", queue=WEBHOOKS_QUEUE)
    return judge("webhooks", found, State.WARNING, advice, when=late, clause="late webhooks", age=overdue_s)


def _check_receivers(server: DictRow) -> Finding:
    failing, age = server["failing"], float(server["failing_s"] or 0)
    found = say("generations whose webhook failed three times or more: {failing}", failing=failing)
    advice = say("See `coursegen webhooks list --failed` and inform the receivers' owners. It is retried for a day.")
    return judge("webhook receivers", found, State.WARNING, advice, when=failing > 0, clause="receivers", age=age)


def check_locks(cursor: Cursor[DictRow]) -> Iterator[Finding]:
    """Whether somebody's transaction keeps others from our tables. Reads no table, so that no lock can stop it."""
    if not only_row(cursor.execute(QUERIES["can_list_blockers"]))["can"]:  # the database is not migrated
        return
    blockers = cursor.execute(QUERIES["list_blockers"], {"open_s": OPEN_S}).fetchall()
    if not blockers:
        yield Finding(State.OK, "locks", say("no transaction holds one for long"))
        return
    found = join("; ", map(_describe_blocker, blockers[:3]))
    advice = say("Let its owner end it, or run `select pg_terminate_backend({pid})`.", pid=blockers[0]["pid"])
    if any(blocker["waiting"] or blocker["is_strong"] for blocker in blockers):
        yield Finding(State.ERROR, "locks", found, advice, "locked")
    else:
        yield Finding(State.WARNING, "locks", found, advice, "open", {"age": blockers[0]["open_s"]})


def _describe_blocker(blocker: DictRow) -> Said:
    session = ", ".join(filter(None, (blocker["role"], blocker["application"], blocker["state"])))
    tables = ", ".join(blocker["tables"] or []) or say("a row or object")
    said = say("pid {pid} ({session}) holds {tables}", pid=blocker["pid"], session=session, tables=tables)
    if blocker["open_s"] is not None:
        said += say(" for {age}", age=blocker["open_s"])
    return said + say("; {waiting} sessions wait", waiting=blocker["waiting"]) if blocker["waiting"] else said

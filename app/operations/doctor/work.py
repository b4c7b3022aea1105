"""Checks of the workers and of the work under way."""

from collections.abc import Iterator

from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.queue import STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE
from app.generation.stages import Stage
from app.operations.ages import say_age
from app.operations.doctor.findings import Finding, State, judge
from app.operations.listings import STUCK_S
from app.settings import Settings
from app.settings.stages import COMPUTING

#: The queues that need workers, in the order of their findings.
SERVED = (STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE)
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
    found = f"{stuck} active generations without any for {say_age(STUCK_S)}"
    clause = "stuck" if stuck > 1 else "one stuck"
    advice = "See `coursegen generations show` and the workers of `stages`."
    return judge("progress", found, State.ERROR, advice, when=stuck > 0, clause=clause, stuck=stuck, age=age)


def _check_handlers(pace: DictRow) -> Finding:
    silent, age, first = pace["silent"], float(pace["silent_s"] or 0), pace["first_silent"]
    if not first:
        return Finding(State.OK, "handlers", "none is silent for long")
    found = f"{first['stage']} of {first['job']} in {first['worker']} has reported nothing for {say_age(age)}"
    advice = (
        f"See `coursegen generations log {first['job']}`. At its time limit the handler is stopped and tried again."
    )
    clause = "silent" if silent > 1 else "one silent"
    return Finding(State.WARNING, "handlers", found, advice, clause, {"silent": silent, "age": age})


def _check_pace(settings: Settings, pace: DictRow) -> Finding:
    """Whether any stage completes while jobs wait: a stage ends by its time limit."""
    longest_s = max(settings.limits_of(stage).total_s for stage in Stage if stage not in COMPUTING)
    waited_s, completed_s = float(pace["waited_s"] or 0), pace["completed_s"]
    age = waited_s if completed_s is None else min(waited_s, float(completed_s))
    found = "no stage has ended yet" if completed_s is None else f"a stage completed {say_age(float(completed_s))} ago"
    found += f", a job has waited for {say_age(waited_s)}" if waited_s else ", no job waits"
    advice = "See what the workers do: `coursegen generations list --status running`, and their logs."
    return judge("pace", found, State.ERROR, advice, when=age > longest_s, clause="standstill", age=age)


def _check_workers(settings: Settings, server: DictRow) -> Iterator[Finding]:
    """A finding for each queue: nothing else takes the place of a worker that serves it."""
    for queue, workers in zip(SERVED, server["workers"], strict=True):
        found = f"{workers} alive"
        if queue == STAGES_QUEUE:
            found += f", {server['waiting']} stages waiting"
            if server["oldest_s"] is not None:
                found += f", the oldest generation for {float(server['oldest_s']):.0f} s"
        unused = queue == WEBHOOKS_QUEUE and settings.webhook_secret is None
        advice = f"Start `coursegen worker`, or `coursegen worker --only {queue}`."
        is_lacking = workers == 0 and not unused
        yield judge(f"workers of {queue}", found, State.ERROR, advice, when=is_lacking, clause="workers", queue=queue)


def _check_places(pace: DictRow, limit: int) -> Finding:
    used, refused = pace["places"], pace["refused"]
    found = f"{used} of {limit} taken"
    found += f", {refused} starts refused within {say_age(REFUSED_S)}" if refused else ""
    advice = "See `coursegen metrics slot_use`; add workers and raise GLOBAL_CONCURRENCY_LIMIT."
    is_full = used >= limit and refused > 0
    return judge("places", found, State.WARNING, advice, when=is_full, clause="full", limit=limit)


def _check_webhooks(settings: Settings, server: DictRow) -> Finding:
    found = f"{server['webhooks']} waiting"
    if server["webhooks"] and settings.webhook_secret is None:
        advice = "Set WEBHOOK_SECRET: nothing is sent without it."
        return Finding(State.WARNING, "webhooks", found, advice, "unsigned webhooks")
    overdue_s = float(server["overdue_s"] or 0)
    late = overdue_s > OVERDUE_S
    found += f", one is {overdue_s:.0f} s overdue" if late else ""
    advice = "Start `coursegen worker`, or `coursegen worker --only webhooks`."
    return judge("webhooks", found, State.WARNING, advice, when=late, clause="late webhooks", age=overdue_s)


def _check_receivers(server: DictRow) -> Finding:
    failing, age = server["failing"], float(server["failing_s"] or 0)
    found = f"{failing} generations whose webhook failed three times or more"
    advice = "See `coursegen webhooks list --failed` and tell the receivers' owners. It is retried for a day."
    return judge("webhook receivers", found, State.WARNING, advice, when=failing > 0, clause="receivers", age=age)


def check_locks(cursor: Cursor[DictRow]) -> Iterator[Finding]:
    """Whether somebody's transaction keeps others from our tables. Reads no table, so that no lock can stop it."""
    if not only_row(cursor.execute(QUERIES["can_list_blockers"]))["can"]:  # the database is not migrated
        return
    blockers = cursor.execute(QUERIES["list_blockers"], {"open_s": OPEN_S}).fetchall()
    if not blockers:
        yield Finding(State.OK, "locks", "no transaction holds one for long")
        return
    found = "; ".join(map(_describe_blocker, blockers[:3]))
    advice = f"Let its owner end it, or run `select pg_terminate_backend({blockers[0]['pid']})`."
    if any(blocker["waiting"] or blocker["is_strong"] for blocker in blockers):
        yield Finding(State.ERROR, "locks", found, advice, "locked")
    else:
        yield Finding(State.WARNING, "locks", found, advice, "open", {"age": blockers[0]["open_s"]})


def _describe_blocker(blocker: DictRow) -> str:
    session = ", ".join(filter(None, (blocker["role"], blocker["application"], blocker["state"])))
    since = f" for {say_age(blocker['open_s'])}" if blocker["open_s"] is not None else ""
    tables = ", ".join(blocker["tables"] or []) or "a row or object"
    waiting = f"; {blocker['waiting']} sessions wait" if blocker["waiting"] else ""
    return f"pid {blocker['pid']} ({session}) holds {tables}{since}{waiting}"

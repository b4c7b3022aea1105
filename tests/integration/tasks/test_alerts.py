"""Alerts: a finding of doctor is sent once when it begins and once when it ends."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from psycopg.rows import DictRow
from standardwebhooks import Webhook

from app.operations.doctor.alerts import Alert, claim_alert, finish_alert, note_findings
from app.operations.doctor.findings import Finding, State
from app.services import Services, make_services
from app.settings import Settings
from tasks.alerts.alerter import alert
from tasks.alerts.contact_watch import watch_contact
from tasks.queue.contact import Contact
from tasks.webhooks.webhook_client import WebhookClient
from tests.conftest import WaitUntil
from tests.integration.factories import add_worker
from tests.integration.tasks.conftest import MakeWorker
from tests.receivers import Receiver, Reply, receiving

Connection = psycopg.Connection[DictRow]
SECRET = "whsec_" + "ABCD" * 8
GOOD, BAD = Finding(State.OK, "x", "fine"), Finding(State.WARNING, "x", "bad", "Do this.")
UNKNOWN = Finding(State.OK, "y", "fine")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def alerting(clean: None, settings: Settings, receiver: Receiver) -> Iterator[Services]:
    services = make_services(replace(settings, alert_webhook_url=receiver.url, webhook_secret=SECRET))
    yield services
    services.close()


def check(services: Services) -> None:
    alert(services, WebhookClient(), 60)


def pass_minute(conn: Connection, minutes: int = 1) -> None:
    conn.execute(
        "update coursegen.alerts set began_at = began_at - span, changing_since = changing_since - span,"
        " due_at = due_at - span, held_until = held_until - span from make_interval(mins => %s) span",
        [minutes],
    )


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Event and finding of each message so far that is about workers."""
    sent = [(received.json["event"], received.json["finding"]) for received in receiver.received]
    return sorted(each for each in sent if each[1].startswith("workers of"))


def test_a_finding_that_lasts_is_told_once_and_so_is_its_end(
    alerting: Services, settings: Settings, receiver: Receiver, conn: Connection
) -> None:
    check(alerting)
    assert receiver.received == []
    pass_minute(conn)
    with ThreadPoolExecutor(3) as pool:  # as three workers of upkeep would
        list(pool.map(check, [alerting] * 3))
    names = ["workers of stages", "workers of upkeep", "workers of webhooks"]
    assert told(receiver) == [("begin", name) for name in names]
    [message] = [received for received in receiver.received if received.json["finding"] == "workers of stages"]
    said = "workers of stages begins: No worker serves `stages`. 0 alive, 0 stages waiting. Start `coursegen worker`"
    assert message.json["text"].startswith(f"[test] {said}")
    assert (message.json["severity"], message.json["environment"], message.json["endedAt"]) == ("error", "test", None)
    assert message.json["runbook"] == "docs/runbook.md#findings-of-doctor"
    Webhook(SECRET).verify(message.body, message.headers)

    count = len(receiver.received)
    restarted = make_services(alerting.settings)
    check(restarted)
    add_worker(conn, "stages", "upkeep", "webhooks")
    check(restarted)
    assert len(receiver.received) == count  # the end has not lasted
    pass_minute(conn)
    check(restarted)
    check(alerting)
    assert told(receiver)[3:] == [("end", name) for name in names]
    assert " is over: No worker serves `" in receiver.received[-1].json["text"]
    assert conn.execute("select 1 from coursegen.alerts where finding like 'workers%'").fetchall() == []
    restarted.close()


class Life:
    """One finding's life, in the database alone."""

    def __init__(self, services: Services, conn: Connection) -> None:
        self._db, self._conn = services.db, conn

    def note(self, *findings: Finding) -> None:
        note_findings(self._db, [*findings, UNKNOWN], 60)
        pass_minute(self._conn)

    def send(self, wait_s: float | None = None) -> str | None:
        """The event that is due, which was then delivered, or failed and is due again in `wait_s`."""
        due = claim_alert(self._db)
        if due is not None:
            finish_alert(self._db, due, wait_s)
        return None if due is None else due.event

    def claim(self) -> Alert:
        due = claim_alert(self._db)
        assert due is not None
        return due


@pytest.fixture
def life(services: Services, conn: Connection) -> Life:
    return Life(services, conn)


def test_a_finding_that_comes_and_goes_is_not_told(life: Life) -> None:
    for _ in range(3):
        life.note(BAD)
        life.note(GOOD)
        assert life.send() is None
    life.note(BAD)
    life.note(BAD)
    assert life.send() == "begin"
    for _ in range(3):
        life.note(GOOD)
        life.note(BAD)
        assert life.send() is None
    life.note(GOOD)
    life.note(GOOD)
    assert [life.send(), life.send()] == ["end", None]


def test_a_check_that_was_not_made_ends_nothing(life: Life, conn: Connection) -> None:
    life.note(BAD)
    life.note(BAD)
    assert life.send() == "begin"
    for _ in range(3):
        life.note()
    assert life.send() is None
    conn.execute("update coursegen.alerts set seen_at = now() - interval '2 days'")
    life.note()
    assert conn.execute("select 1 from coursegen.alerts").fetchall() == []


def test_what_changes_before_it_was_told_is_not_told(life: Life, conn: Connection) -> None:
    life.note(BAD)
    life.note(BAD)
    assert [life.send(wait_s=5), life.send()] == ["begin", None]  # it is put off
    life.note(GOOD)
    life.note(GOOD)
    assert life.send() is None
    assert conn.execute("select 1 from coursegen.alerts").fetchall() == []

    life.note(BAD)
    life.note(BAD)
    assert life.send() == "begin"
    life.note(GOOD)
    life.note(GOOD)
    assert life.send(wait_s=30) == "end"
    life.note(BAD)
    assert life.send() is None


def test_what_changes_while_it_is_told_is_told_too(life: Life, services: Services) -> None:
    life.note(BAD)
    life.note(BAD)
    begin = life.claim()
    assert life.send() is None  # nobody else sends it meanwhile
    note_findings(services.db, [GOOD], 60)
    note_findings(services.db, [GOOD], 0)
    finish_alert(services.db, begin, None)
    end = life.claim()
    assert end.event == "end"
    note_findings(services.db, [BAD], 60)
    finish_alert(services.db, end, None)
    again = life.claim()
    assert again.event == "begin"
    assert again.message_id != begin.message_id  # else a receiver would take it for a repetition
    finish_alert(services.db, again, None)
    assert life.send() is None


def test_a_slow_receiver_gets_one_message_a_call_so_that_upkeep_is_not_kept(
    alerting: Services, receiver: Receiver, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(alerting)
    pass_minute(conn)
    monkeypatch.setattr("tasks.alerts.alerter.QUICK_S", 0)
    for sent in (1, 2):
        check(alerting)
        assert len(receiver.received) == sent


def test_a_receiver_that_is_away_is_tried_again_later_and_less_often(
    alerting: Services, receiver: Receiver, conn: Connection
) -> None:
    receiver.reply = Reply(503)
    check(alerting)
    pass_minute(conn)
    check(alerting)
    check(alerting)
    assert len(receiver.received) == 2  # one attempt a call, another message each
    waits = []
    for _ in range(3):
        pass_minute(conn, 60)
        check(alerting)
        due = conn.execute("select max(due_at - now()) as wait from coursegen.alerts where failures > 0").fetchall()
        waits.append(due[0]["wait"].total_seconds())
    assert waits == sorted(waits)
    receiver.reply = Reply(200)
    pass_minute(conn, 60)
    check(alerting)
    assert conn.execute("select 1 from coursegen.alerts where not is_told").fetchall() == []


def test_a_pause_of_all_checks_is_told_when_it_is_over(life: Life, conn: Connection) -> None:
    life.note()
    conn.execute("update coursegen.alert_checks set at = now() - interval '50 s'")
    life.note()
    assert life.send() is None
    conn.execute("update coursegen.alert_checks set at = now() - interval '10 min'")
    life.note()
    over = life.claim()
    assert (over.event, over.finding, over.details["summary"]) == ("end", "database", "Checks run again.")


def test_a_database_that_is_away_is_told_by_the_worker_that_lost_it(wait_until: WaitUntil) -> None:
    sent: list[str] = []
    contact = Contact(60)
    fails = [True]

    def send(due: Alert) -> bool:
        sent.append(due.event)
        return not (fails and fails.pop())

    async def watch() -> None:
        watching = asyncio.create_task(watch_contact(contact, 0.2, send, tick_s=0.01))
        while "end" not in sent:
            await asyncio.sleep(0.01)
        watching.cancel()

    thread = threading.Thread(target=asyncio.run, args=(watch(),), daemon=True)
    thread.start()
    contact.note()
    wait_until(lambda: sent == ["begin", "begin"])  # the first attempt failed

    def answer() -> bool:
        contact.note()
        return sent == ["begin", "begin", "end"]

    wait_until(answer)
    thread.join(20)
    assert not thread.is_alive()


def test_the_task_is_periodic_only_with_a_receiver(make_worker: MakeWorker) -> None:
    tasks = make_worker(alert_webhook_url="http://127.0.0.1:1/").periodic_registry.periodic_tasks.values()
    [task] = [task.task for task in tasks if task.task.name == "tasks.upkeep.alert"]
    assert task.priority == -1

"""An action on many generations: chosen, confirmed, and followed on a page that can be loaded again."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
from flask.testing import FlaskClient
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from app.generation.audit import Actor
from app.operations.generations import bulk
from app.services import Services
from tests.integration.console.conftest import SignIn
from tests.integration.operations.rows import Past, minutes
from tests.integration.tasks.processes import wait_until

Conn = psycopg.Connection[DictRow]
NOW = datetime.now(UTC)


def hidden(page: str, action: str) -> dict[str, str]:
    """What the form of that action carries."""
    form = re.search(rf'<form method="post" action="{action}".*?</form>', page, re.DOTALL)
    assert form, page
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))


def choose(browser: FlaskClient, query: str, scope: str, action: str, *selected: UUID) -> TestResponse:
    """What follows the button of the list."""
    form = hidden(browser.get(f"/generations?{query}").text, "/bulk")
    marked = {"scope": scope, "action": action, "selected": [str(each) for each in selected]}
    return browser.post("/bulk", data={**form, **marked}, follow_redirects=True)


def count(page: str) -> tuple[int, ...]:
    """Done, changed, failed, left."""
    return tuple(map(int, re.findall(r'<th scope="row">[^<]*</th><td>(\d+)</td>', page)))


def test_all_that_match_are_confirmed_by_their_number_and_done_once(sign_in: SignIn, past: Past, conn: Conn) -> None:
    matching = [past.generation(NOW - minutes(30), status="running") for _ in range(22)]
    past.generation(NOW, status="running")
    browser = sign_in()
    chosen = choose(browser, "stuck=15m", "all", "cancel")
    path = chosen.request.path
    assert "Cancel: 22 generations" in re.sub(r"\s+", " ", chosen.text)
    assert chosen.text.count('href="/generations/') == 20
    form = {**hidden(chosen.text, f"{path}/confirm"), "reason": "provider down", "number": "22"}
    for changed in [{"number": ""}, {"number": "21"}, {"reason": " "}]:
        answer = browser.post(f"{path}/confirm", data=form | changed)
        assert (answer.status_code, "Nothing was changed" in answer.text) == (400, True), changed
    for _ in range(2):
        assert browser.post(f"{path}/confirm", data=form).location == path
    wait_until(lambda: "Ended" in browser.get(path).text)
    assert count(browser.get(path).text) == (22, 0, 0, 0)
    rows = conn.execute("select id from coursegen.generations where status = 'cancelled'").fetchall()
    assert {row["id"] for row in rows} == set(matching)
    audit = conn.execute("select action, reason, details from coursegen.audit where action ~ 'bulk' order by id")
    assert [(row["action"], row["details"]["rows"]) for row in audit] == [
        ("bulk_cancel", 22),
        ("bulk_cancel_ended", 22),
    ]
    assert "Cancel: 22" in sign_in("viewer").get(path).text


def test_selected_ones_alone_are_taken(sign_in: SignIn, past: Past, conn: Conn) -> None:
    one, other, ended = past.generation(NOW), past.generation(NOW), past.generation(NOW - minutes(9), NOW)
    browser = sign_in()
    chosen = choose(browser, "", "selected", "cancel", one, ended)
    assert "1: It has ended." in chosen.text
    path = chosen.request.path
    data = {**hidden(chosen.text, f"{path}/confirm"), "reason": "asked"}
    browser.post(f"{path}/confirm", data=data)
    wait_until(lambda: "Ended" in browser.get(path).text)
    rows = conn.execute("select id from coursegen.generations where finished_at is null").fetchall()
    assert [row["id"] for row in rows] == [other]


def test_what_a_dead_process_left_is_shown_and_goes_on(
    sign_in: SignIn, past: Past, console_services: Services, conn: Conn
) -> None:
    generation = past.generation(NOW)
    db = console_services.db
    run_id = bulk.prepare(db, bulk.preview(db, {"course": "<i>x"}, "cancel", [generation]), "console:gone")
    bulk.confirm(db, run_id, Actor("console:gone", "<b>why"))
    browser, path = sign_in(), f"/bulk/{run_id}"
    assert f'<a href="{path}">Cancel: 1 left</a>' in browser.get("/generations").text
    page = browser.get(path).text
    assert "Not under way: 1 are left." in page
    assert "&lt;b&gt;why" in page
    seen = sign_in("viewer").get(path).text
    assert not any(text in seen for text in ("&lt;b&gt;why", "&lt;i&gt;x", "Основы геологии", f"{path}/continue"))
    for _ in range(2):  # the second finds nothing to do
        browser.post(f"{path}/continue", data=hidden(page, f"{path}/continue"))
        wait_until(lambda: count(browser.get(path).text) == (1, 0, 0, 0))
    audit = conn.execute("select actor, action from coursegen.audit where action ~ 'bulk|^cancel' order by id")
    assert [tuple(row.values()) for row in audit][1:] == [
        ("console:link of cli:test", "bulk_cancel_continued"),
        ("console:gone", "cancel"),
        ("console:gone", "bulk_cancel_ended"),
    ]
    browser.post(f"{path}/stop", data=hidden(page, f"{path}/stop"))
    assert browser.get(path).status_code == 200


def test_a_choice_that_is_none_is_a_sentence_and_changes_nothing(sign_in: SignIn, past: Past, conn: Conn) -> None:
    past.generation(NOW)
    browser = sign_in()
    token = hidden(browser.get("/generations").text, "/bulk")
    for data, status, sentence in [
        ({"action": "delete"}, 400, "Choose an action"),
        ({"action": "cancel", "scope": "none"}, 400, "Choose an action"),
        ({"action": "cancel", "status": "nonsense"}, 400, "is none of"),
        ({"action": "cancel", "scope": "selected"}, 400, "nothing to do"),
        ({"action": "cancel", "scope": "selected", "selected": "7"}, 400, "It is gone."),
        ({"action": "retry"}, 400, "It has not failed. (1)"),
        ({"action": "cancel", "scope": "selected", "selected": str(uuid4())}, 400, "It is gone. (1)"),
    ]:
        answer = browser.post("/bulk", data={**token, "scope": "all", **data})
        assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
        assert "Nothing was changed" in answer.text
    for verb in ("confirm", "continue", "stop"):
        gone = browser.post(f"/bulk/{uuid4()}/{verb}", data={**token, "reason": "x"})
        assert (gone.status_code, 'href="/generations"' in gone.text) == (404, True)
    assert 'name="selected"' not in sign_in("viewer").get("/generations").text
    assert conn.execute("select from coursegen.bulk_runs").fetchall() == []

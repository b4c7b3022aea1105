"""What operators do at the console: once a form, with a reason, audited, and only with their role."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from app.console.pages import listings
from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.services import Services
from app.settings import Settings
from tests.integration.console.conftest import SignIn
from tests.integration.factories import MakeCourse
from tests.integration.operations.rows import Past, minutes

Conn = psycopg.Connection[DictRow]
AUDIT = "select action, actor, reason from coursegen.audit where action not like 'console%' order by id"


def fill_in(
    browser: FlaskClient, page: str, action: str, with_field: str = "", **changed: str
) -> Callable[[], TestResponse]:
    """A function that sends the form of that action, and with that field, as the page shows it."""
    shown = browser.get(page).text
    path = f"{page.rstrip('/')}/{action}"
    forms = re.finditer(rf'<form method="post" action="({path})">(.*?)</form>', shown, re.DOTALL)
    form = next((form for form in forms if f'name="{with_field}' in form[2]), None)
    assert form, shown
    data = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[2])) | {"reason": "asked", **changed}
    return lambda: browser.post(form[1], data=data, follow_redirects=True)


def status_of(conn: Conn, generation_id: UUID) -> str:
    row = conn.execute("select status::text from coursegen.generations where id = %s", [generation_id]).fetchone()
    assert row
    return str(row["status"])


def test_a_form_cancels_once_and_shows_its_result_again(sign_in: SignIn, past: Past, conn: Conn) -> None:
    generation = past.generation(datetime.now(UTC) - minutes(1))
    send = fill_in(sign_in(), f"/generations/{generation}", "cancel")
    answers = [send(), send()]
    assert ["Cancelled. A running handler" in answer.text for answer in answers] == [True, True]
    assert "done=" in answers[0].request.query_string.decode()
    assert status_of(conn, generation) == "cancelled"
    rows = [tuple(row.values()) for row in conn.execute(AUDIT)]
    assert rows == [("cancel", "console:link of cli:test", "asked")]


def test_what_ended_meanwhile_is_reported_and_not_forced(sign_in: SignIn, past: Past, conn: Conn) -> None:
    generation = past.generation(datetime.now(UTC) - minutes(1))
    send = fill_in(sign_in(), f"/generations/{generation}", "cancel")
    conn.execute(
        "update coursegen.generations"
        " set status = 'completed', finished_at = now(), user_slot = null, system_slot = null where id = %s",
        [generation],
    )
    assert "Nothing was changed: The course has no active generation." in send().text
    assert status_of(conn, generation) == "completed"
    assert conn.execute(AUDIT).fetchall() == []


def test_a_failed_one_is_retried_with_a_link_to_the_new_one(sign_in: SignIn, past: Past, conn: Conn) -> None:
    failed = past.generation(datetime.now(UTC) - minutes(9), datetime.now(UTC) - minutes(8), "failed")
    page = fill_in(sign_in(), f"/generations/{failed}", "retry")().text
    row = conn.execute("select id, source from coursegen.generations where retry_of = %s", [failed]).fetchone()
    assert row
    assert row["source"] == "console"
    assert f'href="/generations/{row["id"]}"' in page
    # Nobody retries it a second time, when the new one may have completed.
    assert f"/generations/{failed}/retry" not in page
    assert "Nobody intervened" not in page
    assert [tuple(each.values()) for each in conn.execute(AUDIT)] == [("retry", "console:link of cli:test", "asked")]


def test_a_webhook_is_sent_again(sign_in: SignIn, past: Past, conn: Conn) -> None:
    now = datetime.now(UTC)
    generation = past.generation(now - minutes(9), now, webhook_url="https://lms.example/hook")
    conn.execute(
        "insert into coursegen.webhook_deliveries"
        " (generation_id, seq, status, step, percentage, message, state, finished_at)"
        " values (%s, 1, 'completed', 5, 100, 'm', 'given_up', now())",
        [generation],
    )
    assert "Will be sent again: 1." in fill_in(sign_in(), f"/generations/{generation}", "resend")().text
    state = conn.execute("select state::text from coursegen.webhook_deliveries").fetchone()
    assert state == {"state": "pending"}
    assert [row["action"] for row in conn.execute(AUDIT)] == ["resend"]


def test_the_priority_of_a_waiting_one_is_set(
    sign_in: SignIn, console_services: Services, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    generation = console_services.admissions.admit(Caller(course.user_id, Tier.FREE), Order(course.id)).generation_id
    browser, page = sign_in(), f"/generations/{generation}"
    assert "The priority is 20, and was 1." in fill_in(browser, page, "priority", priority="20")().text
    for wrong in ["101", "-1", "x", "", "²", "0100123", "9" * 5000]:
        answer = fill_in(browser, page, "priority", priority=wrong)()
        assert (answer.status_code, "from 0 to 100" in answer.text) == (400, True), wrong
    send = fill_in(browser, page, "priority", priority="30")
    conn.execute("update procrastinate_jobs set status = 'doing'")
    assert "Nothing was changed: Only a generation that waits" in send().text
    jobs = conn.execute("select priority from procrastinate_jobs").fetchall()
    assert jobs == [{"priority": 20}]
    assert [row["action"] for row in conn.execute(AUDIT)] == ["priority"]


def test_slots_are_rebuilt(
    sign_in: SignIn, past: Past, conn: Conn, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_client.zadd("concurrency:global", {str(uuid4()): 1})
    monkeypatch.setattr(listings, "ROWS", 2)
    users = [UUID(int=number) for number in (1, 2, 3)]
    for user in users:
        past.generation(datetime.now(UTC), user_id=user)
    for user in users[:2]:
        redis_client.zadd(f"concurrency:user:{user}", {str(uuid4()): 1})
    shown = sign_in("viewer").get("/slots").text  # the one that differs comes first
    assert [str(user) in shown for user in users] == [False, False, True]
    assert "2 of 4" in shown
    conn.execute("delete from coursegen.generations")
    assert "Rebuilt." in fill_in(sign_in(), "/slots", "rebuild")().text
    assert redis_client.zcard("concurrency:global") == 0
    assert [row["action"] for row in conn.execute(AUDIT)] == ["rebuild_slots"]


def test_controls_are_set_and_cleared_and_every_page_says_what_is_paused(
    sign_in: SignIn, conn: Conn, settings: Settings
) -> None:
    browser, viewer = sign_in(), sign_in("viewer")
    names = "select name, value, reason from coursegen.controls order by name"

    def send(field: str, **changed: str) -> str:
        return fill_in(browser, "/", "controls", field, **changed)().text

    def controls() -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in conn.execute(names)]

    paused = fill_in(browser, "/", "controls", "admissions")()
    assert "Paused. What runs goes on." in paused.text
    assert paused.history[0].location.endswith("#controls")  # where the sentence is
    send("stages", stages="pause", stage="TEXT_GENERATION", reason="<b>")
    assert "The limit in force is 7." in send("limit", limit="7")
    assert controls() == [("admissions", None, "asked"), ("limit", 7, "asked"), ("stage:TEXT_GENERATION", None, "<b>")]
    pages = [
        viewer.get(page, headers=header).text
        for page in ("/", "/audit", "/slots")
        for header in ({}, {"HX-Request": "true"})
    ]
    banners = [re.findall(r'class="banner"><b>! (.*?)</b>', page) for page in pages]
    assert banners == [["Paused: admissions.", "Paused: stage text generation."]] * 6
    assert "&lt;b&gt;" in browser.get("/").text
    assert not any("asked" in page or "&lt;b&gt;" in page for page in pages)
    assert "of 7" in pages[0]
    highest = settings.limit_bounds[1] + 1
    assert "Nothing was changed: The limit must lie between" in send("limit", limit=str(highest))
    for changed in [{"limit": "many"}, {"limit": "-1"}, {"admissions": "pause", "limit": "5"}]:
        assert fill_in(browser, "/", "controls", "limit", **changed)().status_code == 400
    assert fill_in(browser, "/", "controls", "stages", stage="NONE", stages="pause")().status_code == 400
    assert "Resumed." in send("admissions")
    assert "Resumed." in send("stages", stages="resume")
    assert "is not paused" in send("stages", stages="resume")
    assert "The limit in force is 3." in send('limit" value="reset')
    assert controls() == []
    assert 'class="banner"' not in viewer.get("/workers").text
    actions = [row["action"] for row in conn.execute(AUDIT)]
    assert actions == [
        *("pause_admissions", "pause_stages", "set_limit", "resume_admissions", "resume_stages", "reset_limit"),
    ]


def test_a_viewer_is_refused_every_action_by_forms_made_by_hand(
    console: Flask, sign_in: SignIn, past: Past, conn: Conn, console_token: Callable[[str], str]
) -> None:
    active = past.generation(datetime.now(UTC) - minutes(1))
    failed = past.generation(datetime.now(UTC) - minutes(9), datetime.now(UTC), "failed")
    paths = [f"/generations/{active}/cancel", f"/generations/{failed}/retry", f"/generations/{failed}/resend"]
    run = f"/bulk/{uuid4()}"
    paths += ["/slots/rebuild", "/controls", f"/generations/{active}/priority", "/bulk"]
    paths += [f"{run}/confirm", f"{run}/continue", f"{run}/stop"]
    posts = {rule.rule for rule in console.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert len(posts - {"/login", "/logout"}) == len(paths)
    viewer = sign_in("viewer")
    page = viewer.get(f"/generations/{active}").text
    assert "/cancel" not in page
    own = re.search(r'name="form_token" value="(\w+)"', page)
    assert own
    header = {"Authorization": f"Bearer {console_token('viewer')}"}
    for path in paths:
        data = {"key": str(uuid4()), "reason": "mine", "form_token": own[1], "priority": "9", "action": "cancel"}
        assert viewer.post(path, data=data).status_code == 403
        assert console.test_client().post(path, data=data, headers=header).status_code == 403
        assert console.test_client().post(path, data=data).status_code == 401
    assert status_of(conn, active) == "queued"
    assert conn.execute(AUDIT).fetchall() == []


def test_a_role_that_was_taken_away_acts_no_more(sign_in: SignIn, past: Past, conn: Conn) -> None:
    generation = past.generation(datetime.now(UTC) - minutes(1))
    send = fill_in(sign_in(), f"/generations/{generation}", "cancel")
    conn.execute("update coursegen.console_sessions set role = 'viewer'")
    assert send().status_code == 403
    conn.execute("delete from coursegen.console_sessions")
    assert send().status_code == 401
    assert status_of(conn, generation) == "queued"


def test_a_form_without_a_reason_or_a_key_changes_nothing(sign_in: SignIn, past: Past, conn: Conn) -> None:
    generation, browser = past.generation(datetime.now(UTC) - minutes(1)), sign_in()
    for changed in [{"reason": " "}, {"reason": "x" * 501}, {"key": ""}, {"key": "7"}]:
        answer = fill_in(browser, f"/generations/{generation}", "cancel", **changed)()
        assert (answer.status_code, "Nothing was changed" in answer.text) == (400, True), changed
    assert status_of(conn, generation) == "queued"


def test_a_result_that_nobody_made_is_not_shown(sign_in: SignIn, past: Past) -> None:
    generation, browser = past.generation(datetime.now(UTC)), sign_in()
    for done in ["x", str(uuid4()), "' or 1=1"]:
        answer = browser.get(f"/generations/{generation}", query_string={"done": done})
        assert (answer.status_code, 'class="notice"' in answer.text) == (200, False), done

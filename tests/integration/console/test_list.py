"""What the list of generations finds."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow

from app.operations.generations import search as searching
from app.operations.generations.filters import FILTERS, read_filters
from app.operations.generations.search import search
from tests.integration.console.conftest import SignIn
from tests.integration.factories import MakeCourse
from tests.integration.operations.rows import ADA, BOB, Past, minutes

Conn = psycopg.Connection[DictRow]


def listed(browser: FlaskClient, query: str) -> list[str]:
    """The ids of the generations that the list shows."""
    answer = browser.get(f"/generations?{query}")
    assert answer.status_code == 200, answer.text
    return re.findall(r'<a href="/generations/([0-9a-f-]{36})"', answer.text)


def test_each_filter_shows_what_it_names(
    sign_in: SignIn, past: Past, conn: Conn, make_course: MakeCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    course = make_course(slug="geology", title="Основы геологии: камни", user_id=BOB)
    running = past.generation(now - minutes(40), status="running", stage="TEXT_GENERATION", user_id=ADA)
    fresh = past.generation(now - minutes(1), request_id="req-7", course_id=course.id, user_id=BOB, tier="PREMIUM")
    failed = past.generation(now - minutes(90), now - minutes(80), "failed", error_message="disk is FULL here")
    done = past.generation(now - timedelta(days=3), now - timedelta(days=3))
    conn.execute(
        "insert into system_metrics (event_type, severity, course_id, job_id)"
        " select 'worker_timeout', 'error', course_id, id::text from coursegen.generations where id = %s",
        [failed],
    )
    conn.execute(
        "insert into coursegen.events (event_type, severity, course_id)"
        " select 'document_reader_failed', 'warn', course_id from coursegen.generations where id = %s",
        [done],
    )
    past.attempt(done, "FINALIZATION", now - timedelta(days=3), minutes(1), "died", error="Killed by SIGNAL 9")
    browser = sign_in()
    every = [str(each) for each in (fresh, running, failed, done)]
    assert listed(browser, "") == every
    for query, expected in {
        "status=failed": [failed],
        "status=running&stuck=15m": [running],
        "stuck=15m": [running],
        "stage=TEXT_GENERATION": [running],
        "tier=PREMIUM": [fresh],
        f"user={BOB}": [fresh],
        f"course={course.id}": [fresh],
        "course=geology": [fresh],
        "course=КАМНИ": [fresh],
        "course=nothing": [],
        f"id={done}": [done],
        f"id={uuid4()}": [],
        "request=req-7": [fresh],
        "error=is full": [failed],
        "error=signal": [done],
        "error=l": [failed, done],
        "event=worker_timeout": [failed],
        "event=worker_timeout&tier=PREMIUM": [],
        "event=document_reader_failed": [done],
        "since=30m": [fresh],
        "since=2h&until=50m": [failed],
        f"until={now - timedelta(days=1):%Y-%m-%dT%H:%M}": [done],
        "status=failed&tier=PREMIUM": [],
    }.items():
        assert listed(browser, query) == [str(each) for each in expected], query
        if "event" in query:
            monkeypatch.setattr(searching, "MOST_RARE", 0)  # as if there were many of them
            assert listed(browser, query) == [str(each) for each in expected], query
            monkeypatch.undo()


def test_a_filter_that_is_nonsense_is_a_sentence_and_the_page_stays(sign_in: SignIn) -> None:
    browser = sign_in()
    for query in [
        *("status=nonsense", "tier=free", "stage=1", "user=me", "id=7", "since=yesterday", "until=2026-13-01"),
        *("stuck=soon", "stuck=-1m", "after=x", f"after={uuid4()}", "course=%00", f"request={'x' * 300}"),
        *("since=99999d", "error=%00", "since=0001-01-01T00:00%2b14:00", f"course={'%F0%9F%8C%8D' * 9}", "event=no"),
    ]:
        answer = browser.get(f"/generations?{query}")
        assert answer.status_code in (400, 200), answer.text
        assert 'role="search"' in answer.text
        is_said = 'role="alert"' in answer.text if answer.status_code == 400 else "No generation matches" in answer.text
        assert is_said, query


def test_no_value_in_a_url_breaks_a_page(sign_in: SignIn, past: Past) -> None:
    browser, generation = sign_in(), past.generation(datetime.now(UTC))
    parameters = [*(("/generations", name) for name in FILTERS), ("/events", "type"), ("/events", "since")]
    parameters += [("/webhooks", "view"), (f"/generations/{generation}", "done"), ("/slots", "done")]
    parameters.append((f"/generations/{generation}/drafts", "from"))
    for path, name in parameters:
        for value in ["%00", "%ff%ed%a0%80", "'%20or%201=1", "-1", "%D9%A3m", "9" * 5000, "%s{0}"]:
            answer = browser.get(f"{path}?{name}={value}&{name}=x")
            assert answer.status_code in (200, 400), (path, name, value, answer.text)
            assert 'href="/generations"' in answer.text


def test_a_list_reads_no_more_of_a_title_than_it_shows(console: Flask, past: Past, conn: Conn) -> None:
    past.generation(datetime.now(UTC), datetime.now(UTC), "failed", error_message="e" * 1_000_000)
    conn.execute("update courses set title = repeat('ы', 1000000)")
    [row] = search(console.extensions["reading"].db, read_filters({})).rows
    assert (len(row["title"]), len(row["error_message"])) == (200, 200)


def test_pages_follow_each_other_without_gap_or_repetition(sign_in: SignIn, past: Past) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    made = [past.generation(now - minutes(number // 3), now, "completed") for number in range(120)]
    browser, seen, query = sign_in(), [], "status=completed"
    for part in ("50 of 120", "50 of 70 older", "20 of 20 older"):
        page = browser.get(f"/generations?{query}").text
        assert f"{part}" in page
        seen += listed(browser, query)
        past.generation(now, now, "completed")  # newer ones come meanwhile
        following = re.search(r'href="/generations\?([^"]*after=[^"]*)">Older', page)
        query = following[1].replace("&amp;", "&") if following else ""
    assert (query, len(seen)) == ("", 120)
    assert set(seen) == {str(each) for each in made}


def test_more_than_a_thousand_are_not_counted(sign_in: SignIn, conn: Conn, make_course: MakeCourse) -> None:
    conn.execute(
        "insert into coursegen.generations"
        " (id, course_id, user_id, tier, priority, stage, status, source, created_at, finished_at)"
        " select gen_random_uuid(), %(id)s, %(user)s, 'FREE', 1, 'FINALIZATION', 'completed', 'http', now(), now()"
        " from generate_series(1, 1002)",
        {"id": (course := make_course()).id, "user": course.user_id},
    )
    assert "50 of more than 1,000" in sign_in().get("/generations").text


def test_a_search_that_takes_too_long_is_a_sentence_and_the_page_stays(
    console: Flask, sign_in: SignIn, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = sign_in()
    monkeypatch.setattr(console.extensions["reading"].db, "_timeout", "1s")  # shorter than the wait for a lock
    with conn.transaction():
        conn.execute("lock table coursegen.generations in access exclusive mode")
        answer = browser.get("/generations?error=x")
    assert (answer.status_code, "longer than 2 s" in answer.text) == (503, True)
    assert 'role="search"' in answer.text

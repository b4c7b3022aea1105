"""What the charts show, and how pages travel."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import psycopg
import pytest
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.console.pages import charts
from app.database.queries import QUERIES
from app.operations.series import SPANS, read_series
from app.services import Services
from tests.integration.console.conftest import SignIn
from tests.integration.console.test_pages import PAGES
from tests.integration.operations.rows import Past, minutes, seconds

Conn = psycopg.Connection[DictRow]
#: The most that a page may weigh with all that it needs, in bytes on the wire.
HEAVIEST = 100_000


@pytest.mark.parametrize("span", SPANS)
def test_each_end_and_refusal_is_in_the_bucket_of_its_time(console_services: Services, conn: Conn, span: str) -> None:
    past, (step_s, buckets) = Past(conn), SPANS[span]
    now = datetime.now(UTC)
    begun = datetime.fromtimestamp(now.timestamp() // step_s * step_s, UTC) - seconds(2 * step_s)
    middle = begun + seconds(step_s / 2)
    for ended, status in [(middle, "completed"), (middle, "completed"), (middle, "failed"), (middle, "cancelled")]:
        past.generation(ended - minutes(70), ended, status)
    past.generation(begun - seconds(1), begun, "completed")
    past.generation(begun - seconds(9), begun - seconds(1), "failed")
    past.event("concurrency_limit_hit", middle, count=7)
    past.event("concurrency_limit_hit", middle)
    past.event("duplicate_job_detected", middle)
    past.generation(now - timedelta(days=9), now - timedelta(days=8), "failed")
    series = read_series(console_services.db, span)
    place = series.at.index(begun)
    assert (len(series.at), place) == (buckets, buckets - 3)
    assert {name: [counts[place - 1], counts[place]] for name, counts in series.ends.items()} == {
        "completed": [0, 3],
        "failed": [1, 1],
        "refused": [0, 8],
    }
    assert sum(map(sum, series.ends.values())) == 13


def test_half_of_a_stages_runs_and_nearly_all_stayed_within_what_is_said(
    console_services: Services, conn: Conn
) -> None:
    past, now = Past(conn), datetime.now(UTC)
    generation = past.generation(now - minutes(200), status="running")
    hour = datetime.fromtimestamp(now.timestamp() // 1800 * 1800, UTC) - minutes(60)
    for lasted in range(1, 101):  # each ends within one bucket, wherever it began
        past.attempt(generation, "TEXT_GENERATION", hour - seconds(lasted - 1), seconds(lasted), "completed")
    past.attempt(generation, "TEXT_GENERATION", hour, seconds(500), "failed")
    past.attempt(generation, "FINALIZATION", hour, None, None)
    series = read_series(console_services.db, "24h")
    found = {stage: [both for both in pairs if both] for stage, pairs in series.seconds.items()}
    assert found.pop("TEXT_GENERATION") == [(50.0, 95.0)]
    assert not any(found.values())
    assert series.seconds["TEXT_GENERATION"][series.at.index(hour)] == (50.0, 95.0)


def test_the_numbers_come_as_json_and_only_if_they_changed(
    sign_in: SignIn, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "KEPT_S", -1.0)
    past, now, browser = Past(conn), datetime.now(UTC), sign_in("viewer")
    changed = Jsonb({"limit": 5})
    conn.execute(
        "insert into coursegen.events (event_type, severity, metadata) values ('limit_changed', 'info', %s)", [changed]
    )
    conn.execute(
        "insert into coursegen.audit (actor, action, details) values"
        " ('cli:ops', 'set_limit', '{\"limit\": 7}'), ('cli:ops', 'reset_limit', '{}'), ('cli:ops', 'cancel', '{}')"
    )
    first = browser.get("/charts/7d")
    assert first.json is not None
    assert [len(first.json["ends"]), len(first.json["seconds"])] == [3, 10]
    assert {len(column) for column in first.json["ends"] + first.json["seconds"]} == {len(first.json["at"])}
    assert {limit for _, limit in first.json["limits"]} == {5, 7, None}
    again = {"If-None-Match": first.headers["ETag"]}
    assert (browser.get("/charts/7d", headers=again).status_code, browser.get("/charts/2h").status_code) == (304, 404)
    past.generation(now - minutes(5), now - minutes(4))
    assert browser.get("/charts/7d", headers=again).status_code == 200
    page = browser.get("/?span=7d").text
    assert page.count('<tr><th scope="row"><time') == 2 * len(first.json["at"])
    assert page.count('<svg class="spark"') == 3
    assert re.search(r"The limit changed: .*<time [^>]+>[^<]+</time> to 5", page)
    assert "to the environment" in page


def test_each_cause_leads_to_the_list_that_it_counts(sign_in: SignIn, conn: Conn) -> None:
    past, now = Past(conn), datetime.now(UTC)
    for error, outcome, started, failures in [
        ("disk is full", "failed", 30, 3),
        ("disk is full", "timeout", 30, 1),
        ("disk is full: really", "failed", 30, 2),
        ("disk is full", "failed", 60 * 25, 2),  # began earlier, ended within 24 hours
        ("курс 0a0a0a0a-0000-4000-8000-000000000000\nlost", "failed", 30, 2),
        ("курс 0b0b0b0b-0000-4000-8000-000000000000", "failed", 30, 1),
    ]:
        for _ in range(failures):
            failed = past.generation(now - minutes(started), now - minutes(5), "failed", error_message="sorry")
            past.attempt(failed, "FINALIZATION", now - minutes(20), minutes(1), outcome, error=error)
    past.generation(now - minutes(30), now - minutes(5), "failed", error_message="disk is full")
    past.generation(now - timedelta(days=2), now - timedelta(days=1.5), "failed", error_message="disk is full")
    for role in ("operator", "viewer"):  # whom the errors are hidden from
        browser = sign_in(role)
        links = re.findall(r'<td class="number"><a href="(/generations[^"]+)">(\d+)</a>', browser.get("/").text)
        assert sorted(int(count) for _, count in links) == [1, 1, 2, 3, 5]
        for link, count in links:
            assert browser.get(link.replace("&amp;", "&")).text.count('<tr id="row-') == int(count), (role, link)


def test_each_view_of_a_list_is_one(sign_in: SignIn) -> None:
    browser = sign_in()
    for page in ("/events", "/webhooks"):
        views = re.findall(r'<a href="(/\w+\?(?:type|view)=\w+)"', browser.get(page).text)
        assert len(views) > 1
        for view in views:
            answer = browser.get(view)
            assert (answer.status_code, f'href="{view}" aria-current="true"' in answer.text) == (200, True), view


def test_now_is_shown_when_the_charts_numbers_take_too_long(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    slow: LiteralString = "select pg_sleep(9) as at, %(step_s)s, %(buckets)s"
    monkeypatch.setitem(QUERIES, "list_buckets", slow)
    browser = sign_in()
    page = browser.get("/")
    assert (page.status_code, "be had in time" in page.text) == (200, True)
    assert browser.get("/charts/24h").status_code == 503


def test_no_page_weighs_more_than_a_slow_line_carries(sign_in: SignIn, conn: Conn) -> None:
    past, now, browser = Past(conn), datetime.now(UTC), sign_in()
    for number in range(50):
        generation = past.generation(now - minutes(number), status="running", error_message=f"{number}: disk is full")
        past.attempt(generation, "TEXT_GENERATION", now - minutes(number), seconds(number), "completed")
    for path in [*PAGES, "/?span=7d", f"/generations/{generation}"]:
        weighed, parts = 0, [path]
        for part in parts:
            answer = browser.get(part, headers={"Accept-Encoding": "gzip, br"}, buffered=True)
            assert answer.status_code == 200, part
            weighed += len(answer.data)
            if part == path:
                page = gzip.decompress(answer.data).decode()
                parts += re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
            else:
                assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable", part
        assert len(parts) > 2
        assert weighed < HEAVIEST, (path, weighed)


def test_a_changed_file_has_another_address(sign_in: SignIn) -> None:
    browser = sign_in()
    path = re.findall(r'src="(/static/times.js\?v=\w{12})"', browser.get("/queue").text)[0]
    assert "immutable" in browser.get(path, buffered=True).headers["Cache-Control"]
    for other in ["/static/times.js", "/static/times.js?v=000000000000"]:
        answer = browser.get(other, buffered=True)
        assert "immutable" not in answer.headers.get("Cache-Control", ""), other
        assert "Content-Encoding" not in answer.headers
    tag = browser.get(path, headers={"Accept-Encoding": "gzip"}, buffered=True).headers["ETag"]
    assert browser.get(path, headers={"If-None-Match": tag}, buffered=True).status_code == 304
    assert browser.get("/static/no.css?v=1").status_code == 404

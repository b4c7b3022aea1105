"""What the pages show."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
from flask import Flask
from psycopg.rows import DictRow

from app.generation.events import EVENT_TYPES
from app.operations.doctor import examine_servers, summarize
from app.operations.listings import list_periodic
from app.settings import Settings
from app.settings.shown import fingerprint
from app.telemetry.printable import inert
from tests.integration.console.conftest import SignIn
from tests.integration.factories import add_process, add_worker
from tests.integration.operations.rows import Past, minutes
from tests.tokens import SECRET

Conn = psycopg.Connection[DictRow]
#: What a user may write, and what no page may pass on.
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y> \u202eevil\u2066 \x1b[2J\x00"[:-1] + "ы" * 100_000
PAGES = [
    "/",
    "/generations",
    "/workers",
    "/queue",
    "/slots",
    "/webhooks",
    "/events",
    "/periodic",
    "/settings",
    "/audit",
]


def test_every_page_of_an_empty_system_says_so(sign_in: SignIn) -> None:
    browser = sign_in()
    texts = {path: browser.get(path) for path in PAGES}
    assert {path: answer.status_code for path, answer in texts.items()} == dict.fromkeys(PAGES, 200)
    assert "No worker has given a sign of life" in texts["/workers"].text
    assert "Nothing waits" in texts["/queue"].text
    assert "Nothing was generated yet" in texts["/generations"].text
    assert all(f'href="{path}"' in texts["/"].text for path in PAGES)


def test_each_type_of_event_has_a_page_and_a_filter(sign_in: SignIn) -> None:
    browser = sign_in()
    links = re.findall(r'href="(/events\?type=\w+)"', browser.get("/events").text)
    assert len(links) == len(set(links)) == len(EVENT_TYPES)
    assert [link for link in links if browser.get(link).status_code != 200] == []
    options = re.findall(r"<option[^>]*>(\w+)<", browser.get("/generations").text)
    assert set(EVENT_TYPES) <= set(options)


def test_now_begins_with_the_sentence_of_doctor(console: Flask, sign_in: SignIn, past: Past, conn: Conn) -> None:
    add_worker(conn, "upkeep", "webhooks")
    for _ in range(3):
        past.generation(datetime.now(UTC) - minutes(22), status="running")
    past.generation(datetime.now(UTC) - minutes(2))
    sentence = "3 courses have made no progress for 22 min; no worker serves "
    assert summarize(examine_servers(console.extensions["services"])).startswith(f"{sentence}`stages`")
    page = sign_in("viewer").get("/").text
    assert f"{sentence}<code>stages</code>" in page
    assert "/generations?stuck=15m" in page
    assert "3 running" in page


def test_a_healthy_system_looks_alive(sign_in: SignIn, past: Past, conn: Conn) -> None:
    add_worker(conn, "stages", "upkeep", "webhooks")
    now = datetime.now(UTC)
    for _ in range(4):
        past.generation(now - minutes(5), now - minutes(4))
    past.generation(now - timedelta(days=1, minutes=6), now - timedelta(days=1, minutes=5))
    page = sign_in().get("/").text
    assert '<th scope="row">completed</th><td class="number">4</td><td class="number">1</td>' in page


def test_a_dynamic_limit_is_shown_with_its_latest_move(console: Flask, sign_in: SignIn, conn: Conn) -> None:
    conn.execute("insert into coursegen.dynamic_limit (value, reason) values (7, 'providers')")
    reading = console.extensions["reading"]
    settings = replace(reading.settings, global_concurrency_limit=None)
    console.extensions["reading"] = replace(reading, settings=settings)
    page = sign_in("viewer").get("/").text
    assert "of 7</small>" in page
    assert re.search(r"It moved to 7 \d s ago: a provider asked to wait\.", page)


def test_one_generation_is_shown_whole(sign_in: SignIn, past: Past, conn: Conn) -> None:
    now = datetime.now(UTC)
    shown = past.generation(
        now - minutes(30), status="running", stage="TEXT_GENERATION", request_id="req-9", fence=2,
        webhook_url="https://lms.example/hook?secret=1",
    )  # fmt: skip
    past.attempt(shown, "STRUCTURE_GENERATION", now - minutes(29), minutes(1), "completed")
    past.attempt(shown, "TEXT_GENERATION", now - minutes(27), minutes(1), "died", error="killed")
    past.attempt(shown, "TEXT_GENERATION", now - minutes(25), None, None, worker="host-a:77")
    conn.execute(
        "insert into coursegen.webhook_deliveries (generation_id, seq, status, step, percentage, message)"
        " values (%s, 1, 'structure', 3, 40, 'm')", [shown]
    )  # fmt: skip
    conn.execute(
        "insert into coursegen.webhook_attempts (generation_id, seq, ms, status, excerpt)"
        " values (%s, 1, 9, 503, 'busy!')",
        [shown],
    )
    conn.execute(
        "insert into coursegen.audit (actor, action, generation_id, reason) values ('cli:ops', 'resend', %s, 'asked')",
        [shown],
    )
    page = sign_in().get(f"/generations/{shown}").text
    for text in [
        "host-a:77",
        "25 min",
        "killed",
        "✗</span> died",
        "req-9",
        "503",
        "busy!",
        "hook?secret=1",
        "cli:ops",
        "asked",
    ]:
        assert text in page, text
    assert page.count("<h3>") == 5
    hidden = sign_in("viewer").get(f"/generations/{shown}").text
    assert "host-a:77" in hidden
    for text in ["killed", "busy!", "hook?secret=1", "asked", "Основы геологии"]:
        assert text not in hidden, text


def test_what_a_generation_made_cost_and_logged_is_for_operators(sign_in: SignIn, past: Past, conn: Conn) -> None:
    now = datetime.now(UTC)
    shown = past.generation(now - minutes(30), status="running", stage="TEXT_GENERATION")
    past.attempt(shown, "TEXT_GENERATION", now - minutes(27), minutes(1), "paused", error="429 says <b>x")
    past.attempt(shown, "TEXT_GENERATION", now - minutes(25), None, None, worker="host-a:77")
    for statement in [
        "insert into coursegen.attempt_logs select id, repeat('old ', 9000) || '{\"m\":\"<i>retry\u202e\"}'"
        " from coursegen.attempts",
        "insert into coursegen.units (course_id, stage, unit, hash, generation_id, result, handler, version, calls,"
        " tokens, money) select course_id, 'TEXT_GENERATION', n::text, 'h', id, '{}', 'h', '1', 3, 1000, 0.25"
        " from coursegen.generations, generate_series(1, 7) n",
        "insert into coursegen.spending select id, 99, 12345, 1.75 from coursegen.generations",
        "insert into coursegen.sections select id, 1, '<i>Камни' from coursegen.generations",
        "insert into coursegen.lessons select id, n, 1, 'Урок <i>' || n, '[]', '[]'"
        " from coursegen.generations, generate_series(1, 230) n",
        "insert into coursegen.drafts select generation_id, number, '<i>Текст ' || repeat('ы', 200000)"
        " from coursegen.lessons where number < 30",
    ]:
        conn.execute(statement.encode())
    operator, viewer = sign_in(), sign_in("viewer")
    page = operator.get(f"/generations/{shown}").text
    for text in ["⏸</span> paused", "429 says", "&lt;i&gt;retry", "Units saved: 7", "12345", "&lt;i&gt;Камни"]:
        assert text in page, text
    assert "The first 200 lessons" in page
    drafts = operator.get(f"/generations/{shown}/drafts").text
    assert "&lt;i&gt;Текст" in drafts
    assert 'href="?from=21"' in drafts
    for end in ("21", "9999999", "-1", "x"):
        assert operator.get(f"/generations/{shown}/drafts?from={end}").status_code == 200, end
    for text in (page, drafts):
        assert len(text) < 150_000
        assert "<i>" not in text
        assert inert(text) == text
    seen = viewer.get(f"/generations/{shown}").text
    assert "12345" in seen
    for text in ["429 says", "retry", "Камни", "Урок"]:
        assert text not in seen, text
    assert viewer.get(f"/generations/{shown}/drafts").status_code == 403
    assert operator.get(f"/generations/{uuid4()}/drafts").status_code == 404


def test_what_is_gone_is_a_sentence_with_ways_on(sign_in: SignIn) -> None:
    browser = sign_in()
    for path in [f"/generations/{uuid4()}", "/generations/x", "/nothing"]:
        answer = browser.get(path)
        assert answer.status_code == 404
        assert 'href="/generations"' in answer.text


def test_text_of_users_is_shown_inert_and_cut(sign_in: SignIn, past: Past, conn: Conn) -> None:
    now = datetime.now(UTC)
    shown = past.generation(now - minutes(9), now, "failed", error_message=HOSTILE, request_id=HOSTILE[:100])
    past.attempt(shown, "FINALIZATION", now - minutes(8), minutes(1), "failed", error=HOSTILE, worker=HOSTILE[:50])
    conn.execute(
        "update courses set title = %(t)s::text, slug = %(t)s, generation_progress = jsonb_build_object('steps',"
        " jsonb_build_array(jsonb_build_object('id', 2, 'status', %(t)s::text, 'name', %(t)s::text,"
        " 'error', %(t)s::text, 'started_at', %(t)s::text), 7))",
        {"t": HOSTILE[:2000]},
    )  # fmt: skip
    conn.execute(
        "insert into system_metrics (event_type, severity, course_id, metadata)"
        " select 'worker_timeout', 'error', course_id, jsonb_build_object('agent', %s::text)"
        " from coursegen.generations",
        [HOSTILE],
    )
    browser = sign_in()
    for path in ["/", "/generations", f"/generations/{shown}", "/events", f"/generations?course={HOSTILE[:20]}"]:
        page = browser.get(path).text
        assert "<script>" not in page
        assert "<img" not in page
        assert inert(page) == page
        assert len(page) < 80_000, path


def test_settings_are_those_of_every_live_process_and_hold_no_secret(
    sign_in: SignIn, settings: Settings, conn: Conn
) -> None:
    theirs = replace(settings, redis_prefix="theirs:", pool_size=99, jwt_secret=f"{SECRET}!")
    for pid, kind, silent_s in [(1, "api", 0), (2, "worker", 0), (3, "worker", 300)]:
        add_process(conn, f"host:{pid}", kind, theirs, silent_s=silent_s)
    page = sign_in().get("/settings").text
    shown = [
        [re.sub(r"<[^>]*>", " ", cell).split() for cell in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(<td>.*?)</tr>", page.split("<h2>")[0], re.DOTALL)
    ]
    rows = {name: (value, state, processes) for [name], value, state, processes in shown if value != ["none"]}
    assert shown[0] == [["REDIS_PREFIX"], ["theirs:"], ["!", "conflicts"], ["api", "host:1", "worker", "host:2"]]
    assert shown[1][2] == ["!", "conflicts"]
    assert rows["JWT_SECRET"][1] == rows["POOL_SIZE"][1] == ["≠", "differs"]
    assert rows["APP_ENV"] == (["test"], ["·", "same"], ["all"])
    password = settings.database_url.split("@")[0].rpartition(":")[2]
    assert not any(secret in page for secret in [SECRET, password])
    assert fingerprint(SECRET) in page
    assert fingerprint(SECRET) not in sign_in("viewer").get("/settings").text
    assert re.search(r"<bdi>host:3</bdi></td><td>worker</td>.*?silent", page, re.DOTALL)


def test_workers_are_shown_with_what_they_have_in_hand(
    sign_in: SignIn, past: Past, conn: Conn, settings: Settings
) -> None:
    add_worker(conn, "stages")
    add_worker(conn, "webhooks", silent_s=300)
    add_process(conn, "host:1", "worker", settings, places=7, cpu_pressure=0.25, memory=(3 * 2**30, 8 * 2**30))
    generation = past.generation(datetime.now(UTC) - minutes(10), status="running")
    past.attempt(generation, "FINALIZATION", datetime.now(UTC) - minutes(9), None, None, worker="host:1")
    page = sign_in().get("/workers").text
    assert f'<a href="/generations/{generation}">finalization</a> · 9 min' in page
    assert "silent" in page
    for text in [">7</td>", "25 % waits for a processor", "3.0 GiB of 8.0 GiB memory free"]:
        assert text in page
    assert re.findall(r"serves the queue (\w+)", page) == ["upkeep", "webhooks"]


def test_periodic_work_says_when_how_and_by_whom(console: Flask, sign_in: SignIn, conn: Conn) -> None:
    services = console.extensions["reading"]
    assert {(row["last_at"], row["punctuality"], row["workers"]) for row in list_periodic(services)} == {(None,) * 3}
    add_worker(conn, "upkeep")
    add_worker(conn, "stages")
    conn.execute(
        "with job as (insert into procrastinate_jobs (queue_name, task_name, status)"
        " values ('upkeep', 'tasks.upkeep.prune', 'failed'), ('upkeep', 'tasks.upkeep.keep_slots', 'todo')"
        " returning id, task_name), ended as ("
        " insert into procrastinate_events (job_id, type, at)"
        " select id, 'failed', '2026-03-04 05:06:07Z' from job where task_name ~ 'prune')"
        " insert into procrastinate_periodic_defers (task_name, defer_timestamp, job_id)"
        " select task_name, extract(epoch from now() - interval '10 minutes')::bigint, id from job"
        " union all select 'tasks.upkeep.take_over', extract(epoch from now())::bigint, null"
    )
    rows = {row["task"]: (row["state"], row["punctuality"], row["workers"]) for row in list_periodic(services)}
    assert rows == {
        "take_over": ("completed", "ok", "worker"),
        "keep_slots": ("waiting", "overdue", "worker"),
        "rescue_webhooks": (None, None, "worker"),
        "age": (None, None, "worker"),
        "prune": ("failed", "ok", "worker"),  # hourly
        "remove_jobs": (None, None, "worker"),
    }
    page = sign_in("viewer").get("/periodic", headers={"Accept-Language": "ru"}).text
    assert "Забирает этапы погибших" in page
    assert "2026-03-04 05:06:07" in page

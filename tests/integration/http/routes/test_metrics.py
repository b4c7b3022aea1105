"""`/metrics`: the counters, the gauges, and both without a database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from psycopg.rows import DictRow
from redis import Redis

from app import create_app
from app.settings import Settings
from tests.answers import assert_unauthorized
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse, MakeToken, add_worker
from tests.integration.http.conftest import Generate
from tests.integration.http.sse import Client
from tests.integration.serving import Server, StartServer
from tests.logs import logging_restored

#: Port 1 of loopback, where nobody listens.
NO_DATABASE = "postgresql://postgres@127.0.0.1:1/nothing"

Value = Callable[..., float | None]


def read(text: str, name: str, **labels: str) -> float | None:
    """The value of the one sample of that name and those labels; None where there is none."""
    values = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    assert len(values) <= 1
    return values[0] if values else None


@pytest.fixture
def value(client: FlaskClient) -> Value:
    """A function that asks for one value."""

    def value(name: str, **labels: str) -> float | None:
        response = client.get("/metrics")
        assert response.status_code == 200
        assert response.content_type.startswith("text/plain; version=")
        return read(response.text, name, **labels)

    return value


def test_requests_are_counted_by_route_method_and_status(client: FlaskClient, value: Value) -> None:
    client.get("/livez")
    client.get("/livez")
    client.get(f"/api/courses/{uuid4()}/check-status")
    client.get(f"/nowhere/{uuid4()}")
    client.open("/livez", method="BREW")
    assert value("http_requests_total", route="/livez", method="GET", status="200") == 2
    route = "/api/courses/<slug>/check-status"
    assert value("http_requests_total", route=route, method="GET", status="401") == 1
    assert value("http_requests_total", route="unmatched", method="GET", status="404") == 1
    assert value("http_requests_total", route="unmatched", method="other", status="405") == 1
    assert value("http_request_duration_seconds_count", route="/livez", method="GET") == 2
    assert value("http_request_duration_seconds_bucket", route="/livez", method="GET", le="+Inf") == 2
    seconds = value("http_request_duration_seconds_sum", route="/livez", method="GET")
    assert seconds is not None
    assert 0 < seconds < 1


def test_admissions_are_counted_by_what_became_of_them(
    generate: Generate, make_course: MakeCourse, value: Value
) -> None:
    course, other = make_course(), make_course()
    sibling = make_course(user_id=course.user_id)
    assert generate(course.id, course.user_id).status_code == 200
    assert generate(course.id, course.user_id).status_code == 409
    assert generate(sibling.id, course.user_id).status_code == 429
    assert generate(other.id, course.user_id).status_code == 403
    assert generate(uuid4(), course.user_id).status_code == 404
    expected = ["admitted", "generation_active", "user_limit", "forbidden", "course_not_found"]
    assert {outcome: value("coursegen_admissions_total", source="http", outcome=outcome) for outcome in expected} == (
        dict.fromkeys(expected, 1)
    )


def test_the_database_is_reported(
    generate: Generate, make_course: MakeCourse, value: Value, conn: psycopg.Connection[DictRow]
) -> None:
    assert value("coursegen_queue_oldest_seconds", queue="stages") == 0
    for _ in range(2):
        course = make_course()
        assert generate(course.id, course.user_id).status_code == 200
    conn.execute(
        "update coursegen.generations set status = 'running' where id = (select id from coursegen.generations limit 1)"
    )
    for silent_s in (0, 3600):
        add_worker(conn, "stages", silent_s=silent_s)
    add_worker(conn, "upkeep", "builtin")
    conn.execute("update procrastinate_events set at = at - interval '1 minute'")
    generation = conn.execute("select id from coursegen.generations limit 1").fetchone()
    assert generation is not None
    conn.execute(
        """
        insert into coursegen.webhook_deliveries (generation_id, seq, status, step, percentage, message, created_at)
        values (%s, 1, 'initializing', 1, 20, '', now() - interval '1 minute')
        """,
        [generation["id"]],
    )
    assert value("coursegen_database_up") == 1
    assert value("coursegen_generations_active", status="queued") == 1
    assert value("coursegen_generations_active", status="running") == 1
    assert value("coursegen_slots_limit") == 3
    assert value("coursegen_queue_jobs", queue="stages") == 2
    assert value("coursegen_queue_jobs", queue="upkeep") == 0
    assert value("coursegen_queue_jobs", queue="webhooks") == 0
    assert value("coursegen_queue_oldest_seconds", queue="stages") == pytest.approx(60, abs=10)
    live = {queue: value("coursegen_workers_live", queue=queue) for queue in ("stages", "upkeep", "webhooks")}
    assert live == {"stages": 1, "upkeep": 1, "webhooks": 0}
    assert value("coursegen_webhooks_undelivered") == 1
    assert value("coursegen_webhooks_oldest_seconds") == pytest.approx(60, abs=10)


def test_what_alerts_need_is_reported(
    generate: Generate, make_course: MakeCourse, value: Value, conn: psycopg.Connection[DictRow], redis_client: Redis
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    expected: dict[tuple[str, str, str], float] = {
        ("coursegen_redis_up", "", ""): 1,
        ("coursegen_slots_active", "", ""): 1,
        ("coursegen_slots_drift", "", ""): 0,
        ("coursegen_generations_stuck", "", ""): 0,
        ("coursegen_generations_paused", "reason", "provider_busy"): 0,
        ("coursegen_webhooks_overdue_seconds", "", ""): 0,
        ("coursegen_webhooks_failing", "", ""): 0,
        ("coursegen_recent_events", "type", "job_rollback"): 0,
        ("coursegen_spending", "unit", "money"): 0,
    }

    def values() -> dict[tuple[str, str, str], float | None]:
        return {key: value(key[0], **({key[1]: key[2]} if key[1] else {})) for key in expected}

    assert values() == expected
    conn.execute(
        """
        insert into coursegen.webhook_deliveries
            (generation_id, seq, status, step, percentage, message, failures, created_at, due_at)
        select id, 1, 's', 1, 20, '', 3, now() - interval '1 hour', now() - interval '2 minutes'
        from coursegen.generations;
        insert into coursegen.spending (generation_id, money) select id, 2.5 from coursegen.generations;
        insert into system_metrics (event_type, severity, "timestamp")
        select 'job_rollback', 'error', now() - hours * interval '1 hour' from generate_series(0, 2) hours;
        update coursegen.generations set created_at = now() - interval '20 minutes';
        update courses set last_progress_update = null;
        """
    )
    redis_client.zadd("concurrency:global", {str(uuid4()): 0})
    changed = values()
    assert changed.pop(("coursegen_webhooks_overdue_seconds", "", "")) == pytest.approx(120, abs=10)
    changes = [key for key in changed if changed[key] != expected[key]]
    assert [changed[key] for key in changes] == [1, 1, 1, 1, 2.5]
    conn.execute(
        "update coursegen.generations set status = 'running', paused_until = now(), paused_why = 'provider_busy'"
    )
    assert value("coursegen_generations_paused", reason="provider_busy") == 1
    assert value("coursegen_generations_stuck") == 0


@contextmanager
def serving(settings: Settings, **changes: object) -> Iterator[Flask]:
    with logging_restored():
        app = create_app(replace(settings, **changes))  # type: ignore[arg-type]
        yield app
        app.extensions["services"].close()


def test_without_a_database_the_rest_is_reported(settings: Settings) -> None:
    with serving(settings, database_url=NO_DATABASE) as app:
        client = app.test_client()
        client.get("/livez")
        response = client.get("/metrics")
    assert response.status_code == 200
    assert read(response.text, "coursegen_database_up") == 0
    assert read(response.text, "http_requests_total", route="/livez", method="GET", status="200") == 1
    assert read(response.text, "coursegen_redis_up") == 1
    assert read(response.text, "coursegen_workers_live", queue="stages") is None


def test_a_token_is_asked_for_where_one_is_set(clean: None, settings: Settings) -> None:
    with serving(settings, metrics_token="let-me-in") as app:
        client = app.test_client()
        assert_unauthorized(client.get("/metrics"))
        assert_unauthorized(client.get("/metrics", headers={"Authorization": "Bearer let-me-inn"}))
        assert client.get("/metrics", headers={"Authorization": "Bearer let-me-in"}).status_code == 200


def test_a_client_that_asks_for_openmetrics_gets_it(client: FlaskClient) -> None:
    response = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert response.text.endswith("# EOF\n")


def scrape(server: Server) -> str:
    status, body = server.ask("GET", "/metrics")
    assert status == 200
    return body.decode()


def test_all_processes_are_reported_and_the_dead_follow_nothing(
    start_server: StartServer,
    clean: None,
    make_course: MakeCourse,
    token: MakeToken,
    tmp_path: Path,
    wait_until: WaitUntil,
) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    # No folder is counted in, which may go away or be full.
    server = start_server(API_PROCESSES="2", PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "gone"), TMPDIR=str(scratch))
    scratch.rmdir()
    wait_until(lambda: server.status("/readyz") == 200)
    for _ in range(20):
        assert server.status("/livez") == 200
    asked = {"route": "/livez", "method": "GET", "status": "200"}
    assert {read(scrape(server), "http_requests_total", **asked) for _ in range(5)} == {20}
    course = make_course()
    clients = [Client(server, course, token(course.user_id)) for _ in range(4)]
    wait_until(lambda: read(scrape(server), "coursegen_event_streams") == 4)
    for process in psutil.Process(server.process.pid).children():
        process.kill()
    wait_until(lambda: server.status("/readyz") == 200 and read(scrape(server), "coursegen_event_streams") == 0)
    assert read(scrape(server), "http_requests_total", **asked) == 20
    for client in clients:
        client.close()
    assert server.stop() == 0

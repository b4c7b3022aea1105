"""Requests while an operator has paused admissions: refused over each protocol, and what was started is answered."""

from flask import Flask
from flask.testing import FlaskClient

from app.generation.audit import Actor
from app.operations import controls
from tests.answers import assert_error
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.http.conftest import CheckStatus, Conn, Generate, only

WHO = Actor("operator")
KEY = {"Idempotency-Key": "again"}


def test_paused_admissions_are_503_and_all_else_goes_on(
    app: Flask,
    client: FlaskClient,
    token: MakeToken,
    generate: Generate,
    check_status: CheckStatus,
    make_course: MakeCourse,
    conn: Conn,
) -> None:
    services, running, course = app.extensions["services"], make_course(), make_course()
    first = generate(running.id, running.user_id, headers=KEY)
    controls.pause(services, controls.ADMISSIONS, WHO)
    refused = generate(course.id, course.user_id, "PREMIUM")
    assert_error(refused, 503, "The start of generations is paused. Please try again in a few minutes.", "paused")
    assert 60 <= int(refused.headers["Retry-After"]) <= 90
    bearer = {"Authorization": f"Bearer {token(course.user_id)}"}
    called = client.post("/trpc/generation.initiate", json={"courseId": str(course.id)}, headers=bearer)
    assert called.json is not None
    assert (called.status_code, called.json["error"]["data"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert "Retry-After" in called.headers
    replayed = generate(running.id, running.user_id, headers=KEY)
    assert (replayed.status_code, replayed.json) == (200, first.json)
    assert generate(running.id, running.user_id).status_code == 409
    assert check_status(running.slug, running.user_id).status_code == 200
    assert only(conn, "select count(*) as n from coursegen.generations")["n"] == 1
    metrics = client.get("/metrics").text
    assert 'coursegen_paused{control="admissions"} 1.0' in metrics
    assert "coursegen_slots_limit 3.0" in metrics
    controls.resume(services, controls.ADMISSIONS, WHO)
    controls.set_limit(services, 5, WHO)
    assert "coursegen_slots_limit 5.0" in client.get("/metrics").text
    admitted = generate(course.id, course.user_id)
    assert admitted.status_code == 200
    assert '"system";q=5' in admitted.headers["RateLimit-Policy"]

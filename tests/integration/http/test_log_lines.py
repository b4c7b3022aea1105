"""The log lines of a request: its ids, and never a secret."""

import logging
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.settings import VERSION
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.http.conftest import CheckStatus, Generate, LogLines
from tests.tokens import SECRET, make_claims, sign

KEYS = ["timestamp", "level", "message", "logger", "service", "environment", "version"]


def test_every_line_of_a_request_has_its_ids(generate: Generate, make_course: MakeCourse, log_lines: LogLines) -> None:
    course = make_course()
    answer = generate(course.id, course.user_id, "premium", {"X-Request-ID": "ask-1"}, userId="x").json
    assert answer is not None
    lines = log_lines()
    assert [line["message"] for line in lines] == ["user_id_ignored", "generation_admitted", "request"]
    for line in lines:
        assert list(line)[: len(KEYS)] == KEYS
        assert (line["service"], line["environment"], line["version"]) == ("api", "test", VERSION)
        assert (line["requestId"], line["userId"], line["tier"]) == ("ask-1", str(course.user_id), "PREMIUM")
    assert (lines[1]["courseId"], lines[1]["jobId"]) == (str(course.id), answer["jobId"])
    assert lines[2].items() >= {"method": "POST", "path": "/api/coursegen/generate", "status": 200}.items()
    assert lines[2]["ms"] > 0


def test_ids_of_one_request_are_not_in_the_next(
    client: FlaskClient, generate: Generate, make_course: MakeCourse, log_lines: LogLines
) -> None:
    course = make_course()
    generate(course.id, course.user_id)
    generate(course.id, uuid4())
    log_lines()
    client.get("/livez", headers={"X-Request-ID": "next"})
    (line,) = log_lines()
    assert line["requestId"] == "next"
    assert line.keys().isdisjoint({"userId", "tier", "courseId", "jobId"})


@pytest.mark.parametrize("status", [401, 403, 404, 400])
def test_a_refused_request_has_one_line_with_its_id(
    client: FlaskClient, generate: Generate, make_course: MakeCourse, log_lines: LogLines, status: int
) -> None:
    course = make_course()
    headers = {"X-Request-ID": "ask-1"}
    response = {
        401: lambda: client.post("/api/coursegen/generate", json={}, headers=headers),
        403: lambda: generate(course.id, uuid4(), headers=headers),
        404: lambda: generate(uuid4(), uuid4(), headers=headers),
        400: lambda: generate("x", uuid4(), headers=headers),
    }[status]()
    assert response.status_code == status
    (line,) = [line for line in log_lines() if line["message"] == "request"]
    assert (line["requestId"], line["status"]) == ("ask-1", status)


def test_no_token_and_no_secret_is_ever_logged(
    client: FlaskClient,
    generate: Generate,
    check_status: CheckStatus,
    make_course: MakeCourse,
    token: MakeToken,
    log_lines: LogLines,
    redis_url: str,
    database_url: str,
) -> None:
    logging.getLogger().setLevel("DEBUG")
    course = make_course()
    tokens = [
        token(course.user_id),
        token(course.user_id, exp=1),
        token(course.user_id, sub="nobody"),
        sign(make_claims(course.user_id), "x" * 40),
        "a.b.c",
        "Zm9v.YmFy.YmF6",
        "not-even-a-token",
    ]
    for offered in tokens:
        for path in ("/api/coursegen/generate", f"/api/coursegen/generate?access_token={offered}"):
            headers = {"Authorization": f"Bearer {offered}"}
            for url in ("https://example.org/?key=hunter2", "https://user:hunter2@example.org/?key=hunter2"):
                client.post(path, json={"courseId": str(course.id), "webhookUrl": url}, headers=headers)
            client.get(f"/api/courses/{course.slug}/check-status?jwt={offered}", headers=headers)
            client.post(path, data=offered, content_type="application/json", headers=headers)
    generate(course.id, course.user_id, webhookUrl="hunter2")
    text = str(log_lines())
    assert "request" in text
    passwords = [url.split("@")[0].rsplit(":", 1)[-1] for url in (redis_url, database_url) if "@" in url]
    for secret in [SECRET, "hunter2", *passwords, *(part for offered in tokens for part in offered.split("."))]:
        assert len(secret) < 4 or secret not in text


def test_a_path_of_any_bytes_is_logged_as_one_line(client: FlaskClient, log_lines: LogLines) -> None:
    for path in ("/курс", "/%0a%7b%22level%22:1%7d%0a", "/%ff%fe", "/%00", "/%e2%80%a8", "/%1b[2J"):
        client.get(path)
    lines = log_lines()
    assert len(lines) == 6
    assert lines[0]["path"] == "/курс"
    assert {line["status"] for line in lines} == {404}


def test_the_credentials_of_a_webhooks_url_are_in_no_line(
    client: FlaskClient, make_course: MakeCourse, token: MakeToken, log_lines: LogLines
) -> None:
    course = make_course()
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    for url in ("https://user:S3cr3tMark@example.org/", "https://user:S3cr3tMark/@example.org/", "https://S3cr3tMark@"):
        body = {"courseId": str(course.id), "webhookUrl": url}
        assert client.post("/api/coursegen/generate", json=body, headers=headers).status_code == 400
        assert client.post("/trpc/generation.initiate", json=body, headers=headers).status_code == 400
    assert "S3cr3tMark" not in str(log_lines())

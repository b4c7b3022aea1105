"""Errors under `/trpc` that need no server, all in tRPC's shape."""

import socket
import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.http.trpc.procedures import MAX_CALLS
from tests.answers import error_body
from tests.trpc import error, errors, mutate, query, read_lines
from tests.unit.http.conftest import MakeClient

COURSE = "5f0c6f5e-8a49-4ac8-b6f2-0a6f3f9a1d11"
STREAM = {"trpc-accept": "application/jsonl"}

Headers = dict[str, str]


def names(response: Any) -> list[tuple[str, int, str, str]]:
    """The name, status, path and reason of each error."""
    found = [one["data"] for one in errors(response)]
    return [(data["code"], data["httpStatus"], data["path"], data["reason"]) for data in found]


UNKNOWN = ("NOT_FOUND", 404)


@pytest.mark.parametrize("path", ["generation.begin", "generation", "initiate", "generation/status", "a" * 90, "г"])
def test_an_unknown_procedure_is_refused_before_the_token(client: FlaskClient, path: str) -> None:
    for response in (query(client, path), mutate(client, path, {})):
        assert response.status_code == 404
        assert names(response) == [(*UNKNOWN, path, "procedure_not_found")]


@pytest.mark.parametrize("path", ["/trpc", "/trpc/", "/trpc//generation.status", "/trpc/%2C"])
def test_an_empty_path_is_an_unknown_procedure(client: FlaskClient, path: str) -> None:
    assert [name[:2] for name in names(client.get(path))] == [UNKNOWN]


def test_a_path_with_the_same_prefix_is_not_trpc(client: FlaskClient) -> None:
    assert error_body(client.get("/trpcs"))["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "generation.initiate", "OPTIONS, POST"),
        ("HEAD", "generation.cancel", "OPTIONS, POST"),
        ("POST", "generation.status", "GET, HEAD, OPTIONS"),
        ("PUT", "generation.initiate", "OPTIONS, POST"),
        ("DELETE", "generation.status", "GET, HEAD, OPTIONS"),
        ("PROPFIND", "generation.status", "GET, HEAD, OPTIONS"),
    ],
)
def test_the_wrong_method_is_refused_with_the_allowed_ones(
    client: FlaskClient, method: str, path: str, allow: str
) -> None:
    response = client.open(f"/trpc/{path}", method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, allow)
    if method != "HEAD":
        assert names(response) == [("METHOD_NOT_SUPPORTED", 405, path, "method_not_allowed")]


def test_a_bad_token_is_refused_with_the_challenge(client: FlaskClient) -> None:
    response = query(client, "generation.status", {"courseId": COURSE})
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert names(response) == [("UNAUTHORIZED", 401, "generation.status", "unauthorized")]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_mutation_needs_the_content_type_json(
    client: FlaskClient, authorized: Headers, content_type: str | None
) -> None:
    response = client.post("/trpc/generation.initiate", data=b"{}", content_type=content_type, headers=authorized)
    assert response.status_code == 415
    assert [name[0] for name in names(response)] == ["UNSUPPORTED_MEDIA_TYPE"]


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"NaN", b"[" * 30_000, b'{"courseId":1,"courseId":2}', b"{} {}", b"'x'"]
)
def test_a_body_that_is_not_json_is_refused(client: FlaskClient, authorized: Headers, body: bytes) -> None:
    for path in ("generation.initiate", "generation.cancel,generation.cancel?batch=1"):
        response = client.post(f"/trpc/{path}", data=body, content_type="application/json", headers=authorized)
        assert response.status_code == 400
        assert {(name[0], name[3]) for name in names(response)} == {("BAD_REQUEST", "invalid_json")}


@pytest.mark.parametrize("text", ["{", "%7B", "NaN", "%ff", "1,2", "{}{}", "undefined"])
def test_an_input_in_the_query_that_is_not_json_is_refused(client: FlaskClient, authorized: Headers, text: str) -> None:
    for start in ("generation.status?", "generation.status,generation.status?batch=1&"):
        response = client.get(f"/trpc/{start}input={text}", headers=authorized)
        assert response.status_code == 400
        assert {name[3] for name in names(response)} == {"invalid_json"}


@pytest.mark.parametrize("query_string", ["\x80", "batch=1&input=\xff", "input=\xff&\x80=1", "input=%80", ";=&&"])
def test_a_query_that_is_no_text_is_refused(client: FlaskClient, authorized: Headers, query_string: str) -> None:
    overrides = {"QUERY_STRING": query_string}
    for path in ("generation.status", "x"):
        response = client.get(f"/trpc/{path}", headers=authorized, environ_overrides=overrides)
        assert response.status_code == (404 if path == "x" else 400)
        assert len(errors(response)) == 1


@pytest.mark.parametrize("value", [[], "text", 1, True])
def test_an_input_that_is_no_object_is_refused(client: FlaskClient, authorized: Headers, value: object) -> None:
    for response in (
        mutate(client, "generation.initiate", value, headers=authorized),
        mutate(client, "generation.cancel", {"0": value}, batch=True, headers=authorized),
        mutate(client, "generation.cancel", value, batch=True, headers=authorized),
        query(client, "generation.status", value, headers=authorized),
        query(client, "generation.status", value, batch=True, headers=authorized),
    ):
        assert response.status_code == 400
        assert [name[3] for name in names(response)] == ["invalid_json"]


def test_a_missing_input_lacks_the_course(client: FlaskClient, authorized: Headers) -> None:
    empty = {"data": b"", "content_type": "application/json", "headers": authorized}
    for response in (
        client.post("/trpc/generation.initiate", **empty),
        client.post("/trpc/generation.cancel?batch=1", **empty),
        mutate(client, "generation.cancel", {}, headers=authorized),
        mutate(client, "generation.cancel", {"1": {"courseId": COURSE}}, batch=True, headers=authorized),
        query(client, "generation.status", headers=authorized),
        query(client, "generation.status", batch=True, headers=authorized),
    ):
        assert response.status_code == 400
        [found] = errors(response)
        assert found["message"] == "Missing required field: courseId"
        assert found["data"]["details"] == {"field": "courseId", "value": None, "expected": "a UUID"}


@pytest.mark.parametrize("procedure", ["generation.initiate", "generation.cancel"])
def test_a_malformed_field_is_reported_as_over_rest(client: FlaskClient, authorized: Headers, procedure: str) -> None:
    [found] = errors(mutate(client, procedure, {"courseId": "x"}, headers=authorized))
    assert found["message"] == "Invalid courseId format"
    assert found["data"]["reason"] == "invalid_field"
    assert found["data"]["details"] == {"field": "courseId", "value": "x", "expected": "a UUID"}


def test_a_body_too_large_is_refused(client: FlaskClient, authorized: Headers) -> None:
    for path in ("generation.initiate", "generation.initiate,generation.cancel?batch=1"):
        response = client.post(
            f"/trpc/{path}", data=b'{"a": "' + b"a" * 70_000, content_type="application/json", headers=authorized
        )
        assert response.status_code == 413
        assert {name[0] for name in names(response)} == {"PAYLOAD_TOO_LARGE"}


def test_each_call_of_a_batch_has_its_own_error(client: FlaskClient) -> None:
    paths = ["generation.cancel", "generation.begin", "generation.status", ""]
    response = mutate(client, ",".join(paths), {}, batch=True)
    assert response.status_code == 207
    assert [name[:3] for name in names(response)] == [
        ("UNAUTHORIZED", 401, "generation.cancel"),
        ("NOT_FOUND", 404, "generation.begin"),
        ("METHOD_NOT_SUPPORTED", 405, "generation.status"),
        ("NOT_FOUND", 404, ""),
    ]
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_batch_of_equal_errors_has_their_status(client: FlaskClient) -> None:
    response = mutate(client, "generation.cancel,generation.initiate,generation.cancel", {}, batch=True)
    assert response.status_code == 401
    assert [name[2] for name in names(response)] == ["generation.cancel", "generation.initiate", "generation.cancel"]


def test_commas_separate_procedures_only_in_a_batch(client: FlaskClient) -> None:
    path = "generation.cancel,generation.cancel"
    for query_string in ("", "?batch=0", "?batch=true", "?batch=", "?batch=2&batch=1"):
        assert names(client.post(f"/trpc/{path}{query_string}", json={}))[0][:3] == (*UNKNOWN, path)


@pytest.mark.parametrize("headers", [STREAM, {"Accept": "text/html, application/jsonl"}], ids=str)
def test_a_streamed_batch_is_one_line_with_status_200(client: FlaskClient, headers: Headers) -> None:
    response = mutate(client, "generation.cancel,generation.begin", {}, batch=True, headers=headers)
    assert response.status_code == 200
    assert response.text.count("\n") == 1
    assert response.text.endswith("\n")
    found = [error(item, response)["data"]["httpStatus"] for item in read_lines(response.text)]
    assert found == [401, 404]


def test_only_a_batch_is_streamed(client: FlaskClient) -> None:
    response = mutate(client, "generation.cancel", {}, headers=STREAM)
    assert response.status_code == 401
    assert [name[0] for name in names(response)] == ["UNAUTHORIZED"]


@pytest.mark.parametrize("headers", [{}, STREAM], ids=["plain", "streamed"])
def test_a_batch_is_bounded(client: FlaskClient, authorized: Headers, headers: Headers) -> None:
    """More is refused with a lone error, which the client takes for that of every call, under a status of its own."""
    most = ",".join(["generation.cancel"] * MAX_CALLS)
    response = mutate(client, most, {}, batch=True, headers={**authorized, **headers})
    items = read_lines(response.text) if headers else response.json
    assert [error(item, response)["data"]["reason"] for item in items or []] == ["missing_field"] * MAX_CALLS
    response = mutate(client, f"{most},generation.cancel", {}, batch=True, headers={**authorized, **headers})
    assert response.status_code == 400
    assert isinstance(response.json, dict)
    assert names(response) == [("BAD_REQUEST", 400, "generation.cancel", "batch_too_large")]
    assert errors(response)[0]["message"] == f"At most {MAX_CALLS} calls in a batch"


def test_without_a_database_the_response_has_retry_after(client: FlaskClient, authorized: Headers) -> None:
    given = {"0": {"courseId": COURSE}, "1": {"courseId": COURSE}}
    begin = time.monotonic()
    response = mutate(client, "generation.initiate,generation.cancel", given, batch=True, headers=authorized)
    assert time.monotonic() - begin < 5
    assert response.status_code == 503
    assert [name[0] for name in names(response)] == ["SERVICE_UNAVAILABLE"] * 2
    assert int(response.headers["Retry-After"]) > 0


def test_a_database_that_hangs_holds_a_batch_no_longer_than_one_call(
    make_client: MakeClient, authorized: Headers
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = make_client(database_url=f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing")
        given = {str(index): {"courseId": COURSE} for index in range(MAX_CALLS)}
        begin = time.monotonic()
        response = query(client, ",".join(["generation.status"] * MAX_CALLS), given, batch=True, headers=authorized)
        assert time.monotonic() - begin < 5
    assert response.status_code == 503
    assert len(errors(response)) == MAX_CALLS


def test_a_malformed_host_has_the_same_shape(client: FlaskClient) -> None:
    response = client.get("/trpc/generation.status", headers={"Host": "a b"})
    assert names(response)[0][:2] in [("BAD_REQUEST", 400), ("UNAUTHORIZED", 401)]


def test_the_response_varies_by_accept_and_authorization(client: FlaskClient) -> None:
    vary = query(client, "generation.status").headers["Vary"]
    assert {part.strip().lower() for part in vary.split(",")} >= {"trpc-accept", "accept", "authorization"}


def test_a_long_path_is_not_repeated_whole(client: FlaskClient) -> None:
    assert len(client.get(f"/trpc/{'a' * 30_000}").data) < 1000

"""Every route with any method, path, headers and body: an answer of the contract, one log line, nothing half done."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_from_bytes
from uuid import UUID

import psycopg
import pytest
import redis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from tests.integration.factories import FILE, Course, MakeCourse, MakeToken
from tests.integration.http.conftest import LogLines, held_slots
from tests.tokens import make_claims, sign

Conn = psycopg.Connection[DictRow]

OWNER = UUID("6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8a002")
STRANGER = UUID("6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8a003")
NEVER = 9_999_999_999

COURSE_ID = UUID("6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8a004")
#: Query strings that mean something to tRPC.
INPUTS = [
    "batch=1",
    "batch=1&batch=2",
    "batch=1&input=%7B%220%22%3A1%7D",
    "input=%7B",
    f"input=%7B%22courseId%22%3A%22{COURSE_ID}%22%7D",
    f"batch=1&input=%7B%221%22%3A%7B%22courseId%22%3A%22{COURSE_ID}%22%7D%7D",
]

#: The servers are cleaned once for all examples: none of them may leave anything.
bounded = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

#: What a WSGI server may hand on of a header's value, and of a path: bytes, read as Latin-1.
latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
path_bytes = st.binary(max_size=30).map(lambda data: data.decode("latin-1"))
slugs = st.one_of(
    *[st.just("the-course")] * 4,
    path_bytes,
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode("latin-1")),
    st.sampled_from(
        ["..", ".", "\0", "a\0b", "%00", "%2e%2e", "\xed\xa0\x80", "\xff", "' or '1'='1", "%s", "%(slug)s"]
    ),
)
#: The paths of each route, and answers that must be among those seen, so that it is known to be reached.
PATHS: dict[str, tuple[st.SearchStrategy[str], set[int]]] = {
    "generate": (st.just("/api/coursegen/generate"), {200, 400, 401, 405, 409}),
    "check-status": (slugs.map(lambda slug: f"/api/courses/{slug}/check-status"), {200, 401, 404}),
    "cancel": (slugs.map(lambda slug: f"/api/courses/{slug}/cancel"), {401, 404, 409}),
    "trpc": (
        st.one_of(
            st.lists(
                st.sampled_from(["generation.initiate", "generation.cancel", "generation.status"] * 3 + ["x", ""]),
                min_size=1,
                max_size=4,
            ).map(lambda names: f"/trpc/{','.join(names)}"),
            st.sampled_from(["/trpc/generation.initiate", "/trpc/generation.cancel"]),
            st.sampled_from(["/trpc", "/trpc/", "/trpc//", "/trpc/" + "generation.cancel," * 60]),
            path_bytes.map(lambda text: f"/trpc/{text}"),
        ),
        {200, 404, 405, 409},
    ),
    "events": (slugs.map(lambda slug: f"/api/courses/{slug}/events"), {200, 401, 404}),
    "service": (
        st.sampled_from(["/livez", "/readyz", "/livez/", "/metrics", "/openapi.json", "/docs"]),
        {200, 405},
    ),
    "unknown": (
        st.one_of(
            st.sampled_from(
                ["/", "", "*", "//livez", "/api//coursegen/generate", "http://x/livez", "/trpc", "/docs/x"]
            ),
            slugs.map(lambda slug: f"/api/coursegen/{slug}"),
            st.lists(st.sampled_from(["api", "courses", "coursegen", "generate", "cancel", "..", "", "livez"])).map(
                lambda parts: "/" + "/".join(parts)
            ),
            path_bytes.map(lambda text: f"/{text}"),
        ),
        {404},
    ),
}
methods = st.one_of(
    st.sampled_from(["GET", "POST"]),
    st.just("POST"),
    st.sampled_from(["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", "PRI", ""]),
    st.text("AbZ!#$%&'*+-.^_`|~09", max_size=12),
)
tokens = st.sampled_from(
    [
        sign(make_claims(OWNER, exp=NEVER)),
        sign(make_claims(OWNER, "PREMIUM", exp=NEVER)),
        sign(make_claims(STRANGER, exp=NEVER)),
        sign(make_claims(STRANGER, exp=NEVER, app_metadata={"role": "admin"})),
        sign(make_claims(OWNER, exp=1)),
        "a.b.c",
    ]
)
headers = st.fixed_dictionaries(
    {
        "HTTP_AUTHORIZATION": st.one_of(*[tokens.map(lambda token: f"Bearer {token}")] * 4, latin),
        "CONTENT_TYPE": st.one_of(
            *[st.just("application/json")] * 3, latin, st.sampled_from(["application/json; charset=x", "a/b; c=\xff"])
        ),
    },
    optional={
        "HTTP_X_REQUEST_ID": latin | st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True),
        "HTTP_HOST": latin | st.sampled_from(["", "a b", "[::1", "x:y", "x:99999", "é", "a/b", "@", "127.0.0.1"]),
        "HTTP_ACCEPT": latin | st.sampled_from(["application/jsonl", "application/openmetrics-text"]),
        "HTTP_LAST_EVENT_ID": latin,
        "HTTP_IF_NONE_MATCH": latin | st.sampled_from(["*", '"', "W/", '"a", "b"']),
        "HTTP_IF_MATCH": latin,
        "HTTP_IF_MODIFIED_SINCE": latin | st.just("Fri, 31 Dec 9999 23:59:60 GMT"),
        "HTTP_IDEMPOTENCY_KEY": latin | st.sampled_from(["key", '"key"', "", '"']),
        "HTTP_ORIGIN": latin | st.just("https://app.example.org"),
        "HTTP_RANGE": latin | st.sampled_from(["bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=0-0,2-1"]),
        "HTTP_COOKIE": latin,
        "HTTP_X_FORWARDED_FOR": latin,
        "HTTP_X_HTTP_METHOD_OVERRIDE": st.just("DELETE"),
        "HTTP_CONTENT_ENCODING": st.sampled_from(["gzip", "br", "x"]),
        "HTTP_EXPECT": latin | st.just("100-continue"),
        "CONTENT_LENGTH": latin | st.sampled_from(["", "-1", "0", "1", "1e3", "٣", "9" * 30, "+5", "65537"]),
        "QUERY_STRING": latin | st.sampled_from(["%", "&&==", "a=%ff", "x=" + "y" * 3000, *INPUTS]),
        "HTTP_TRPC_ACCEPT": latin | st.just("application/jsonl"),
        "wsgi.input_terminated": st.booleans(),
    },
)


@pytest.fixture
def course(make_course: MakeCourse) -> Course:
    return make_course(id=COURSE_ID, user_id=OWNER, slug="the-course", files=[FILE])


@pytest.fixture
def assert_whole(conn: Conn, redis_client: "redis.Redis") -> Callable[[], None]:
    """A function that fails where a generation lacks its job, its slot or its course's start, or one of these it."""

    def check() -> None:
        state = conn.execute(
            """
            select
                count(*) as active,
                count(*) filter (
                    where course.status = 'initializing' and course.generation_started_at is not null
                        and course.generation_progress #>> '{steps,0,status}' = 'completed'
                ) as started,
                (select count(*) from procrastinate_jobs where status = 'todo') as jobs,
                (select count(*) from courses where status = 'initializing') as courses
            from coursegen.generations
            join courses course on course.id = course_id
            where generations.status = 'queued'
            """
        ).fetchone()
        assert state is not None
        assert len(set(state.values())) == 1, state
        assert held_slots(redis_client).get("concurrency:global", 0) == state["active"]

    return check


def assert_of_the_contract(response: TestResponse, lines: list[dict[str, Any]]) -> None:
    """No failure; a described response, as the client checks; one log line with the request's id."""
    request_id = response.headers["X-Request-ID"]
    assert response.status_code < 500, response.text
    told = [line for line in lines if line["message"] == "request"]
    assert [(line["requestId"], line["status"]) for line in told] == [(request_id, response.status_code)]
    assert {line["requestId"] for line in lines} == {request_id}


@pytest.mark.parametrize("route", PATHS)
def test_any_request_is_answered_by_the_contract_and_leaves_nothing_half_done(
    client: FlaskClient, course: Course, log_lines: LogLines, assert_whole: Callable[[], None], route: str
) -> None:
    paths, expected = PATHS[route]
    good = json.dumps({"courseId": str(course.id)}).encode()
    bodies = st.sampled_from([good, good, b'{"0": %b}' % good, b"", b"{}", b"[" * 70_000]) | st.binary(max_size=60)
    seen: set[int] = set()

    @settings(bounded, max_examples=300)  # fewer don't reach every status
    @given(method=methods, path=paths, headers=headers, body=bodies)
    def check(method: str, path: str, headers: dict[str, Any], body: bytes) -> None:
        environment = {"REQUEST_METHOD": method, "PATH_INFO": path, **headers}
        log_lines()
        response = client.open("/", data=body, environ_overrides=environment)
        assert_of_the_contract(response, log_lines())
        response.close()  # a stream, whose first event is enough
        assert_whole()
        seen.add(response.status_code)

    check()
    assert seen >= expected


@pytest.mark.parametrize("action", ["check-status", "cancel"])
def test_any_slug_is_found_or_not(
    client: FlaskClient, make_course: MakeCourse, token: MakeToken, log_lines: LogLines, action: str
) -> None:
    """Slugs of courses, when PostgreSQL takes them; never another course's, never an error of the server's."""
    authorization = {"Authorization": f"Bearer {token(OWNER, exp=NEVER)}"}
    found, method = (200, "GET") if action == "check-status" else (409, "POST")
    made: set[str] = set()

    @bounded
    @given(slug=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20))
    def exists(slug: str) -> None:
        if slug not in made:
            make_course(user_id=OWNER, slug=slug)
            made.add(slug)
        response = client.open(f"/api/courses/{quote(slug, safe='')}/{action}", method=method, headers=authorization)
        assert response.status_code == found, slug

    @bounded
    @given(slug=st.binary(max_size=40))
    def any_bytes(slug: bytes) -> None:
        path = f"/api/courses/{quote_from_bytes(slug, safe='')}/{action}"
        log_lines()
        response = client.open(path, method=method, headers=authorization)
        assert_of_the_contract(response, log_lines())
        assert response.status_code == 404 or slug.decode() in made

    exists()
    any_bytes()

"""Refusals and polls: what the service answers without writing anything."""

from collections.abc import Callable
from http.client import HTTPConnection

from bench.courses import Ready, create_courses
from bench.figures import BenchError, Section, Size
from bench.load import CONNECTIONS, send_all
from bench.rounds import measure, rate_and_latency
from bench.stand import Stand
from stack.server import HOST

USERS = 200

HOW_FULL = (
    f"{USERS} FREE users with an active generation each ask for another course of theirs, in turn, over {CONNECTIONS}"
    " connections. The event of each refusal is written apart, as in production."
)
HOW_POLL = (
    f"The owners of {USERS} courses under way poll `check-status` with the tag they were given, over"
    f" {CONNECTIONS} connections; nothing has changed, so every answer is 304."
)


def bench(size: Size, tell: Callable[[str], None]) -> list[Section]:
    """429 for users who are full, and 304 for polls."""
    with Stand() as stand:
        port = stand.start_api()
        running = create_courses(stand.database_url, stand.secret, USERS)
        others = create_courses(stand.database_url, stand.secret, USERS, running)
        send_all(port, [course.generate for course in running])
        repeats = size.requests // USERS
        tell(f"429 to full users, {size.rounds} rounds of {size.requests} after a warm-up round")
        full = measure(port, iter([[course.generate for course in others] * repeats] * (size.rounds + 1)), 429, tell)
        tags = [read_tag(port, course) for course in running]
        polls = [course.poll(tag) for course, tag in zip(running, tags, strict=True)] * repeats
        tell(f"304 to polls, {size.rounds} rounds of {size.requests} after a warm-up round")
        unchanged = measure(port, iter([polls] * (size.rounds + 1)), 304, tell)
    return [
        Section("Refusals: 429, the user is full", HOW_FULL, rate_and_latency(full[1:])),
        Section("Polls: 304, nothing new", HOW_POLL, rate_and_latency(unchanged[1:])),
    ]


def read_tag(port: int, course: Ready) -> str:
    """The tag of the course's present state. Raises `BenchError`."""
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", f"/api/courses/{course.slug}/check-status", headers=course.authorization)
        answer = connection.getresponse()
        answer.read()
        if (tag := answer.getheader("ETag")) is None:
            raise BenchError(f"check-status answered {answer.status} without an ETag")
        return tag
    finally:
        connection.close()

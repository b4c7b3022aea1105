"""What the service answers without writing anything: refusals and polls, in turn with admissions and an empty route."""

from collections.abc import Callable
from http.client import HTTPConnection

from bench.admissions import admitting
from bench.courses import Ready, create_courses
from bench.figures import BenchError, Section, Size, at_least, ratio
from bench.generators import best_generator
from bench.load import CONNECTIONS, request_bytes, send_all
from bench.rounds import Lane, take_turns
from bench.stand import Stand
from stack.server import HOST

USERS = 200
#: Requests of a round for each of an admissions' round, which takes so much longer.
REPEATS = 3
LEAST_POLLS = 1000

HOW_FULL = (
    f"{USERS} FREE users with an active generation each ask for another course of theirs, in turn, over {CONNECTIONS}"
    " connections: one indexed read and one script in Redis. The event of each refusal is written apart, as in"
    " production. Admissions, measured as above, polls and the empty route take turns with them, round by round."
)
HOW_POLL = (
    f"The owners of {USERS} courses under way poll `check-status` with the tag they were given, over"
    f" {CONNECTIONS} connections; nothing has changed, so every answer is 304. The empty route is `/livez`, which asks"
    " neither a server nor a token: what HTTP server, Flask and load generator reach together on this machine."
)


def bench(size: Size, tell: Callable[[str], None]) -> list[Section]:
    """429 for users who are full, 304 for polls, and what none of these can exceed."""
    with Stand() as stand:
        port = stand.start_api()
        running = create_courses(stand.database_url, stand.secret, USERS)
        others = create_courses(stand.database_url, stand.secret, USERS, running)
        count = size.requests * REPEATS

        def under_way() -> None:
            stand.clear()
            send_all(port, [course.generate for course in running])

        def refused() -> list[bytes]:
            under_way()
            return [course.generate for course in others] * (count // USERS)

        def polled() -> list[bytes]:
            under_way()
            return [course.poll(read_tag(port, course)) for course in running] * (count // USERS)

        def empty() -> list[bytes]:
            return [request_bytes("GET", "/livez", {})] * count

        tell(f"refusals, polls and an empty route, {size.rounds} rounds of {count} each after a warm-up round")
        trees = stand.trees("api")
        lanes = [
            admitting("admissions, for comparison", stand, port, size, "api", lambda course: course.generate),
            Lane("refusals (429)", port, 429, refused, trees),
            Lane("unchanged polls (304)", port, 304, polled, trees),
            Lane("the empty route", port, 200, empty, trees),
        ]
        admitted, full, unchanged, nothing = take_turns(lanes, size, tell)
    to_admissions = ratio("refusals a second, to admissions", full.rate(), admitted.rate(), at_least(2, 3))
    polls = at_least(LEAST_POLLS, nothing.rate().value)
    how = f"{HOW_FULL} Loaded by {best_generator().name}."
    return [
        Section("Refusals: 429, the user is full", how, [to_admissions, *full.figures(), admitted.rate()]),
        Section("Polls: 304, nothing new", HOW_POLL, [*unchanged.figures(polls), *nothing.figures()]),
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

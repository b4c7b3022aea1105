"""`wire`: round trips to PostgreSQL and Redis of one request, counted on the wire."""

from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from bench.environment.stand import Stand
from bench.load.python_generator import send_all
from bench.load.ready_courses import create_courses, read_tag
from bench.load.turn_counter import TurnCounter
from bench.reporting.figures import Figure, Section, Size

WARM_UP = 20
COUNTED = 50

HOW = (
    "The API with one process and one thread reaches both servers through a proxy that counts turns: how often it"
    f" sends after the server has sent. {COUNTED} requests one after another, once connections and prepared"
    " statements are warm. Statements that are sent together are one turn."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Round trips of an admission, of a refusal of a full user and of a poll."""
    with Stand() as stand, TurnCounter(_port(stand.database_url)) as sql, TurnCounter(_port(stand.redis_url)) as cache:
        port = stand.start_api(
            DATABASE_URL=_through(stand.database_url, sql),
            REDIS_URL=_through(stand.redis_url, cache),
            API_PROCESSES="1",
            API_THREADS="1",
        )
        courses = create_courses(stand.database_url, stand.secret, WARM_UP + COUNTED)
        others = create_courses(stand.database_url, stand.secret, WARM_UP + COUNTED, courses)
        log(f"round trips, {COUNTED} requests of each kind")
        figures = []

        def count(name: str, requests: list[bytes], warm_up: int) -> None:
            send_all(port, requests[:warm_up], connections=1)
            before = sql.turns, cache.turns
            send_all(port, requests[warm_up:], connections=1)
            counted = len(requests) - warm_up
            for server, turns, start in (("PostgreSQL", sql.turns, before[0]), ("Redis", cache.turns, before[1])):
                figures.append(Figure(f"{name}, {server}", (turns - start) / counted, "turns"))

        count("an admission", [course.generate for course in courses], WARM_UP)
        full = [course.generate for course in others]
        count("429, the user is full", full + full, len(full))
        polls = [course.poll(read_tag(port, course)) for course in courses]
        count("304 to a poll", polls, WARM_UP)
    return [Section("Round trips of one request", HOW, figures)]


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def _through(url: str, counter: TurnCounter) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{counter.port}")))

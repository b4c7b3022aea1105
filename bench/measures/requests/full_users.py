"""`refusals`: 429 for users who are full, in turn with admissions."""

from collections.abc import Callable

from bench.environment.stand import Stand
from bench.load.generators import best_generator
from bench.load.python_generator import CONNECTIONS, send_all
from bench.load.ready_courses import create_courses
from bench.load.rounds import Lane, take_turns
from bench.measures.requests.admissions import admitting
from bench.reporting.figures import Section, Size, at_least, ratio

USERS = 200
#: Refusals for each admission: these take longer.
REPEATS = 3

HOW = (
    f"{USERS} FREE users with an active generation each request another of their courses over {CONNECTIONS}"
    " connections: one read and one script in Redis. As in production, the event of a refusal is written apart."
    " Admissions, measured as above, take turns with the refusals."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Refusals a second, beside admissions."""
    with Stand() as stand:
        port = stand.start_api()
        running = create_courses(stand.database_url, stand.secret, USERS)
        others = create_courses(stand.database_url, stand.secret, USERS, running)
        count = size.requests * REPEATS

        def refused() -> list[bytes]:
            stand.clear()
            send_all(port, [course.generate for course in running])
            return [course.generate for course in others] * (count // USERS)

        log(f"refusals, {size.rounds} rounds of {count} after a warm-up round")
        lanes = [
            admitting("admissions, for comparison", stand, port, size, "api", lambda course: course.generate),
            Lane("refusals (429)", port, 429, refused, stand.trees("api")),
        ]
        admitted, full = take_turns(lanes, size, log)
    to_admissions = ratio("refusals a second, to admissions", full.rate(), admitted.rate(), at_least(2, 3))
    how = f"{HOW} Loaded by {best_generator().name}."
    return [Section("Refusals: 429, the user is full", how, [to_admissions, *full.figures(), admitted.rate()])]

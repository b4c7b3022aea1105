"""`platform`: admissions on a platform's own table of courses, in turn with admissions on ours."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg

from app.auth.minting import mint_token
from bench.environment.stand import Stand
from bench.environment.statements import SQL
from bench.load.generators import best_generator
from bench.load.ready_courses import Ready
from bench.load.rounds import take_turns
from bench.measures.requests.admissions import admitted_courses, admitting
from bench.reporting.figures import Section, Size, at_least, ratio

#: The scripts that build the platform's database, in order.
SCRIPTS = [
    Path(__file__).parents[3] / "tests" / "integration" / "platform" / "sql" / f"{name}.sql"
    for name in ("project", "before", "stage1")
]
OWNER = "postgres"

HOW = (
    "Two APIs in turn, each with a database server of its own: one migrated from empty, one from a platform's database"
    " (Stage 1), whose table `courses` has other columns, row-level security, a status of its own and triggers that"
    " check and record each change of it."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Admissions on the platform's table, beside those on our own."""
    with Stand() as own, Stand(prepare=build_platform) as platform:
        log(f"admissions on a platform's table, {size.rounds} rounds of {size.requests} each after a warm-up round")
        owners = add_users(platform, admitted_courses(size))
        lanes = [
            admitting("admissions, own table", own, own.start_api(), size, "api", lambda each: each.generate),
            admitting(
                "admissions, a platform's",
                platform,
                platform.start_api(),
                size,
                "api",
                lambda each: each.generate,
                owners,
            ),
        ]
        ours, theirs = take_turns(lanes, size, log)
    kept = ratio("admissions a second, a platform's table to ours", theirs.rate(), ours.rate(), at_least(0.9))
    figures = [kept, *ours.figures(), *theirs.figures()]
    return [Section("On a platform's table", f"{HOW} Loaded by {best_generator().name}.", figures)]


def build_platform(database_url: str) -> None:
    """The database has a platform's tables, triggers and policies, and one organisation."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        name = conn.info.dbname
        conn.execute(SQL["add_roles"])
        for script in SCRIPTS:
            text = script.read_text(encoding="utf-8")
            conn.execute(text.replace("OWNER", OWNER).replace("DATABASE", name).encode())
        conn.execute(SQL["add_organisation"])


def add_users(stand: Stand, count: int) -> list[Ready]:
    """New users of the platform, as owners of courses to come."""
    owners = [
        Ready(uuid4(), user, "", mint_token(stand.secret, user, "FREE")) for user in (uuid4() for _ in range(count))
    ]
    with psycopg.connect(stand.database_url, autocommit=True) as conn:
        conn.execute(SQL["add_users"], {"ids": [owner.user_id for owner in owners]})
    return owners

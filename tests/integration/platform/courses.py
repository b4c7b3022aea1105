"""Courses of the platform's fixture, what a test does with them past HTTP, and the platform's own changes."""

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

BOB = UUID("00000000-0000-0000-0000-0000000000a2")
ORGANIZATION = UUID("00000000-0000-0000-0000-0000000000b2")
COURSE = UUID("00000000-0000-0000-0000-00000000c001")


def nth_course(number: int) -> UUID:
    return UUID(f"00000000-0000-0000-0000-00000000c{number:03}")


Connection = psycopg.Connection[DictRow]


def connect(url: str) -> psycopg.Connection[DictRow]:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def only(conn: psycopg.Connection[DictRow], query: str, *values: Any) -> Any:
    """The first value of the first row."""
    row = conn.execute(query.encode(), values).fetchone()
    assert row is not None
    return next(iter(row.values()))


def admit(conn: psycopg.Connection[DictRow], course: UUID, **request: Any) -> UUID:
    """The id of a generation of the course that was admitted just now."""
    generation = uuid4()
    given = {
        "id": str(generation), "course_id": str(course), "user_id": str(BOB), "tier": "PREMIUM",
        "system_limit": 200, "source": "http", "message": "Готово", "status": "initializing",
        "completed_steps": {}, **request,
    }  # fmt: skip
    conn.execute("update coursegen.tiers set slots = 200 where slots < 200")
    row = conn.execute("select outcome from coursegen.admit_generations_v2(%s, true)", [Jsonb([given])]).fetchone()
    assert row == {"outcome": "admitted"}
    return generation


def write(conn: psycopg.Connection[DictRow], course: UUID, status: str) -> None:
    conn.execute("select coursegen.write_course(%s, '[{\"alive\": true}]', %s)", [course, status])


def shown(conn: psycopg.Connection[DictRow], course: UUID) -> Any:
    return only(conn, "select coursegen.shown_status_v1(%s)", course)


def value(conn: psycopg.Connection[DictRow], course: UUID) -> Any:
    """What the platform's pages read."""
    return only(conn, "select generation_status::text from courses where id = %s", course)


def refusals(conn: psycopg.Connection[DictRow]) -> Any:
    return only(conn, "select count(*) from coursegen.events where event_type = 'status_refused'")


def set_value(conn: psycopg.Connection[DictRow], course: UUID, status: str | None) -> None:
    """The course has this status, past the platform's rules."""
    with conn.transaction():
        conn.execute("alter table courses disable trigger user")
        conn.execute("update courses set generation_status = %s where id = %s", [status, course])
        conn.execute("alter table courses enable trigger user")


def cancel_as_user(conn: psycopg.Connection[DictRow], course: UUID) -> None:
    """As the platform's page does: updates the row as the course's user, and calls nothing."""
    claims = {"sub": str(BOB), "role": "instructor", "organization_id": str(ORGANIZATION)}
    with conn.transaction():
        conn.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps(claims)])
        conn.execute("set local role authenticated")
        cancelled = conn.execute("update courses set generation_status = 'cancelled' where id = %s", [course])
        assert cancelled.rowcount == 1

"""The read before any slot is taken: a cheap refusal, or the response to an earlier request of the same key."""

from collections.abc import Sequence
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.queries import QUERIES
from app.generation.admission.requests import Admission, AdmissionRequest, Decision
from app.generation.errors import (
    AdmissionsPaused,
    CourseNotFound,
    Forbidden,
    GenerationActive,
    KeyReused,
    RateLimited,
)
from app.generation.slots.holders import Limits


def look_up(
    conn: Connection[Any], requests: Sequence[AdmissionRequest], system_limit: int | None, per_minute: int
) -> tuple[dict[AdmissionRequest, Decision], dict[AdmissionRequest, Limits]]:
    """The decisions that need no slot, and the limits of the other requests, which may start.

    `system_limit` is the environment's. `per_minute` does not bind operators.
    """
    asked = [
        {
            "n": n,
            "course_id": request.order.course_id,
            "user_id": request.caller.user_id,
            "tier": request.caller.tier.value,
            "per_minute": per_minute if request.order.actor is None else None,
        }
        for n, request in enumerate(requests)
    ]
    rows = conn.execute(QUERIES["find_courses"], {"asked": Jsonb(asked, orjson.dumps), "limit": system_limit})
    courses = {row["n"]: row for row in rows}
    # After the courses, so that a key is found whose first request has just made its course active.
    decisions, limits = _find_replays(conn, requests), {}
    for n, request in enumerate(requests):
        course = courses.get(n)
        decision = decisions.get(request) or (
            CourseNotFound() if course is None else _refusal(course, request, per_minute)
        )
        if decision is not None:
            decisions[request] = decision
        elif course is not None:
            limits[request] = Limits(course["user_limit"], course["system_limit"])
    return decisions, limits


def _refusal(course: DictRow, request: AdmissionRequest, per_minute: int) -> Decision | None:
    if course["user_id"] != request.caller.user_id:
        return Forbidden()
    active = course["active_generation"]
    if active == request.generation_id:  # an earlier attempt committed
        return Admission(active)
    if active is not None:
        return GenerationActive(active)
    if course["is_paused"]:
        return AdmissionsPaused()
    return None if course["wait_s"] is None else RateLimited(per_minute, course["wait_s"])


def _find_replays(conn: Connection[Any], requests: Sequence[AdmissionRequest]) -> dict[AdmissionRequest, Decision]:
    keys = [
        {"n": n, "user_id": request.caller.user_id, "key": request.order.idempotency_key}
        for n, request in enumerate(requests)
        if request.order.idempotency_key is not None
    ]
    if not keys:
        return {}
    found: dict[AdmissionRequest, Decision] = {}
    for row in conn.execute(QUERIES["find_keys"], {"keys": Jsonb(keys, orjson.dumps)}):
        request = requests[row["n"]]
        same = bytes(row["fingerprint"]) == request.order.fingerprint
        replayed = row["generation_id"] != request.generation_id
        found[request] = Admission(row["generation_id"], replayed=replayed) if same else KeyReused()
    return found

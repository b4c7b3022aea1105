"""The read before any slot is taken: a cheap refusal, or the response to an earlier request of the same key."""

from collections.abc import Sequence
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.queries import QUERIES
from app.generation.admission.requests import Admission, AdmissionRequest, Decision
from app.generation.errors import CourseNotFound, Forbidden, GenerationActive, KeyReused


def look_up(conn: Connection[Any], requests: Sequence[AdmissionRequest]) -> dict[AdmissionRequest, Decision]:
    """The decisions that need no slot; requests that may start are left out."""
    course_ids = [request.order.course_id for request in requests]
    rows = conn.execute(QUERIES["find_courses"], {"course_ids": Jsonb(course_ids, orjson.dumps)})
    courses = {row["id"]: row for row in rows}
    # After the courses, so that a key is found whose first request has just made its course active.
    decisions = _find_replays(conn, requests)
    for request in requests:
        decision = decisions.get(request) or _refusal(courses.get(request.order.course_id), request)
        if decision is not None:
            decisions[request] = decision
    return decisions


def _refusal(course: DictRow | None, request: AdmissionRequest) -> Decision | None:
    if course is None:
        return CourseNotFound()
    if course["user_id"] != request.caller.user_id:
        return Forbidden()
    active = course["active_generation"]
    if active == request.generation_id:  # an earlier attempt committed
        return Admission(active)
    return None if active is None else GenerationActive(active)


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

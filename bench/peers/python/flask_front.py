"""The HTTP route of the Flask stacks; a stack supplies how it reads a course and how it enqueues a generation."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Flask, Response, abort, jsonify, request
from redis import Redis
from werkzeug.exceptions import HTTPException

from bench.peers.python.bearer import UNAUTHORIZED, User, verify
from bench.peers.python.stack_settings import ADMITTED, REDIS_URL, SYSTEM_LIMIT, TAKE_SLOTS, USER_LIMITS, slot_keys

log = logging.getLogger("front")

#: Returns owner and activity of a course, or None.
FindCourse = Callable[[UUID], tuple[UUID, bool | None] | None]
#: Marks the course as started and enqueues its first stage; returns the job's id.
Enqueue = Callable[[UUID, User], str]


def create_front(find_course: FindCourse, enqueue: Enqueue) -> Flask:
    """The Flask app of one stack."""
    front = Flask(__name__)
    slots = Redis.from_url(REDIS_URL)
    take_slots = slots.register_script(TAKE_SLOTS)

    @front.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.description), error.code or 500

    @front.get("/readyz")
    def ready() -> Response:
        return jsonify(status="ready")

    @front.post("/api/coursegen/generate")
    def generate() -> Response:
        user = verify(request.headers.get("Authorization", ""))
        if user is None:
            abort(401, UNAUTHORIZED)
        course_id = _read_course_id()
        _check(find_course(course_id), user)
        keys = slot_keys(user.user_id)
        if full := take_slots(keys=keys, args=[USER_LIMITS[user.tier], SYSTEM_LIMIT]):
            abort(429, f"Too many concurrent jobs: {full.decode()}")
        try:
            job_id = enqueue(course_id, user)
        except Exception:
            slots.pipeline().decr(keys[0]).decr(keys[1]).execute()
            log.exception("rolled back course=%s", course_id)
            abort(500, "Не удалось инициализировать генерацию курса. Попробуйте позже.")
        log.info("admitted user=%s tier=%s course=%s job=%s", user.user_id, user.tier, course_id, job_id)
        return jsonify(success=True, jobId=job_id, message=ADMITTED)

    return front


def _read_course_id() -> UUID:
    body: Any = request.get_json()
    try:
        return UUID(body["courseId"])
    except (KeyError, TypeError, ValueError, AttributeError):
        abort(400, "Invalid courseId format")


def _check(course: tuple[UUID, bool | None] | None, user: User) -> None:
    if course is None:
        abort(404, "Course not found")
    owner, is_active = course
    if str(owner) != user.user_id:
        abort(403, "Forbidden: You do not have access to this course")
    if is_active:
        abort(409, "The course is already being generated")

"""`/api/courses/<slug>/…`: polling a course's status, and cancelling."""

import logging
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, jsonify, request
from werkzeug.wrappers import Response

from app.generation.callers import Caller
from app.generation.progress.status import STUCK_AFTER_S, CourseStatus
from app.generation.runs.cancel import cancel_course
from app.http.authentication import authenticate
from app.services.current import current_services
from app.telemetry.log import bind

STUCK = f"No progress for more than {STUCK_AFTER_S // 60} minutes"

blueprint = Blueprint("courses", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/api/courses/<slug>/check-status")
def check_status(slug: str) -> Response:
    """The course's status; 304 if the client has it. The ETag ignores `minutesSinceCreation`."""
    polls, caller = current_services().polls, authenticate()
    offered = request.if_none_match  # the contract has no other condition
    if offered and offered.contains_weak((course := polls.find(caller, slug)).tag):
        response = Response(status=304)
    else:
        course = polls.read(caller, slug)
        response = Response(status_json(course), mimetype="application/json")
    response.set_etag(course.tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    return response


@blueprint.get("/api/courses/<slug>/cancel")
def can_cancel(slug: str) -> Response:
    """Whether the course has a generation to cancel, and its status."""
    course = current_services().polls.read(authenticate(), slug)
    return jsonify({"canCancel": course.is_active, "status": course.generation_status})


@blueprint.post("/api/courses/<slug>/cancel")
def cancel_generation(slug: str) -> Response:
    """The course's active generation is cancelled, queued or running, and its slot free."""
    return jsonify(cancel(authenticate(), slug))


def cancel(caller: Caller, key: str | UUID) -> dict[str, Any]:
    """The course of that slug or id has no active generation any more; returns what a 200 says of it.

    Raises what `cancel_course` raises.
    """
    services = current_services()
    per_minute = services.settings.starts_and_cancels_per_minute
    generation_id = cancel_course(services.db, services.slots, caller, key, per_minute)
    with bind(jobId=generation_id):
        log.info("generation_cancelled")
    return {"success": True, "jobId": str(generation_id), "status": "cancelled"}


def status_json(course: CourseStatus) -> str:
    """The body of a 200 to a poll. The progress stays as PostgreSQL wrote it: it may be JSON that Python can't read."""
    fields = {
        "courseId": str(course.course_id),
        "slug": course.slug,
        "currentStatus": course.status,
        "currentGenerationStatus": course.generation_status,
        "createdAt": course.created_at,
        "updatedAt": course.updated_at,
        "minutesSinceCreation": course.minutes,
        "isStuck": course.is_stuck,
        "recoveryReason": STUCK if course.is_stuck else "",
        "suggestedStatus": "failed" if course.is_stuck else course.generation_status,
        "queuePosition": course.queue_position,
        "workerAlive": course.worker_alive,
    }
    return f'{current_app.json.dumps(fields)[:-1]},"generationProgress":{course.progress or "null"}}}'

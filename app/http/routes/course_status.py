"""`/api/courses/<slug>/…`: polling a course's status, and cancelling."""

import logging
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, jsonify, request
from werkzeug.wrappers import Response

from app.current import current_services
from app.generation.callers import Caller
from app.generation.progress.status import ANY_TAG, STUCK_AFTER_S, CourseStatus, poll_course
from app.generation.runs.cancel import cancel_course
from app.http.authentication import authenticate
from app.telemetry.log import bind

STUCK = f"No progress for more than {STUCK_AFTER_S // 60} minutes"

_TAG = re.compile(r"[0-9a-f]{32}", re.ASCII)

blueprint = Blueprint("courses", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/api/courses/<slug>/check-status")
def check_status(slug: str) -> Response:
    """The course's status; 304 if the client has it. The ETag ignores `minutesSinceCreation`."""
    services = current_services()
    course = poll_course(services.db, authenticate(), slug, services.settings.stalled_s, _known_tags())
    if isinstance(course, CourseStatus):
        response = Response(status_json(course), mimetype="application/json")
    else:
        response = Response(status=304)
    response.set_etag(course.tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    return response


@blueprint.post("/api/courses/<slug>/cancel")
def cancel_generation(slug: str) -> Response:
    """The course's active generation is cancelled, queued or running, and its slot free."""
    return jsonify(cancel(authenticate(), slug))


def cancel(caller: Caller, key: str | UUID) -> dict[str, Any]:
    """The course of that slug or id has no active generation any more; returns what a 200 says of it.

    Raises what `cancel_course` raises.
    """
    services = current_services()
    generation_id = cancel_course(services.db, services.slots, caller, key)
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
        "createdAt": _iso(course.created_at),
        "updatedAt": _iso(course.updated_at),
        "minutesSinceCreation": None if course.created_s is None else int(course.created_s // 60),
        "isStuck": course.is_stuck,
        "recoveryReason": STUCK if course.is_stuck else "",
        "suggestedStatus": "failed" if course.is_stuck else course.generation_status,
        "queuePosition": course.queue_position,
        "workerAlive": course.worker_alive,
    }
    return f'{current_app.json.dumps(fields)[:-1]},"generationProgress":{course.progress or "null"}}}'


def _known_tags() -> list[str]:
    """The tags of `If-None-Match`, the only condition of the contract, that can be a course's."""
    offered = request.if_none_match
    if offered.star_tag:
        return [ANY_TAG]
    return [tag for tag in offered.as_set(include_weak=True) if _TAG.fullmatch(tag)]


def _iso(moment: datetime | None) -> str | None:
    return (
        None if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    )

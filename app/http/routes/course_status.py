"""`/api/courses/<slug>/…`: what the frontend polls, and cancelling."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, jsonify, request
from werkzeug.wrappers import Response

from app.current import current_services
from app.generation.callers import Caller
from app.generation.progress.status import CourseStatus, read_status
from app.generation.runs.cancel import cancel_course
from app.http.authentication import authenticate
from app.telemetry.log import bind

blueprint = Blueprint("courses", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/api/courses/<slug>/check-status")
def check_status(slug: str) -> Response:
    """The course's progress; 304 while it is what the client has. The tag leaves the running minutes out."""
    services = current_services()
    course = read_status(services.db, authenticate(), slug, services.settings.stalled_s)
    tag = status_tag(course)
    if request.if_none_match.contains_weak(tag):  # the only condition of the contract: no 412, no part of an answer
        response = Response(status=304)
    else:
        response = Response(status_json(course), mimetype="application/json")
    response.set_etag(tag)
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


def status_tag(course: CourseStatus) -> str:
    """What identifies the body of `status_json`, but for the running minutes."""
    return hashlib.blake2b(_json(_fields(course), course.progress).encode(), digest_size=16).hexdigest()


def status_json(course: CourseStatus) -> str:
    """The body of a 200 that says how the course stands."""
    minutes = None if course.age_s is None else int(course.age_s // 60)
    return _json({**_fields(course), "minutesSinceCreation": minutes}, course.progress)


def _fields(course: CourseStatus) -> dict[str, Any]:
    """What is said of the course apart from its progress and what changes by itself."""
    return {
        "courseId": str(course.course_id),
        "slug": course.slug,
        "currentStatus": course.status,
        "currentGenerationStatus": course.generation_status,
        "createdAt": _iso(course.created_at),
        "updatedAt": _iso(course.updated_at),
        "isStuck": course.stuck,
        "recoveryReason": course.reason,
        "suggestedStatus": course.suggested,
        "queuePosition": course.jobs_ahead,
        "workerAlive": course.worker_alive,
    }


def _json(fields: Mapping[str, Any], progress: str | None) -> str:
    """An object of these fields and the progress, which goes out as PostgreSQL wrote it."""
    return f'{current_app.json.dumps(fields)[:-1]},"generationProgress":{progress or "null"}}}'


def _iso(moment: datetime | None) -> str | None:
    """In UTC, as a platform's column without a time zone is read here."""
    return None if moment is None else moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

"""`/api/courses/<slug>/…`: what the frontend polls, and cancelling."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, jsonify, request
from werkzeug.wrappers import Response

from app.current import current_services
from app.generation.cancellation import cancel_course
from app.generation.courses import read_status
from app.http.auth import authenticate
from app.log import bind

blueprint = Blueprint("courses", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/api/courses/<slug>/check-status")
def check_status(slug: str) -> Response:
    """The course's progress; 304 while it is what the client has. The tag leaves the running minutes out."""
    course = read_status(current_services().db, authenticate(), slug)
    body: dict[str, Any] = {
        "courseId": str(course.course_id),
        "slug": course.slug,
        "currentStatus": course.status,
        "currentGenerationStatus": course.generation_status,
        "createdAt": _iso(course.created_at),
        "updatedAt": _iso(course.updated_at),
        "isStuck": course.stuck,
        "recoveryReason": course.reason,
        "suggestedStatus": course.suggested,
    }
    tag = hashlib.blake2b(_json(body, course.progress), digest_size=16).hexdigest()
    if request.if_none_match.contains_weak(tag):  # the only condition of the contract: no 412, no part of an answer
        response = Response(status=304)
    else:
        body["minutesSinceCreation"] = None if course.age_s is None else int(course.age_s // 60)
        response = Response(_json(body, course.progress), mimetype="application/json")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    return response


@blueprint.post("/api/courses/<slug>/cancel")
def cancel_generation(slug: str) -> Response:
    """The course's active generation is cancelled, queued or running, and its slot free."""
    services = current_services()
    generation_id = cancel_course(services.db, services.slots, authenticate(), slug)
    with bind(jobId=generation_id):
        log.info("generation_cancelled")
    return jsonify({"success": True, "jobId": str(generation_id), "status": "cancelled"})


def _json(fields: Mapping[str, Any], progress: str | None) -> bytes:
    """An object of these fields and the progress, which goes out as PostgreSQL wrote it."""
    return f'{current_app.json.dumps(fields)[:-1]}, "generationProgress": {progress or "null"}}}'.encode()


def _iso(moment: datetime | None) -> str | None:
    """In UTC, as a platform's column without a time zone is read here."""
    return None if moment is None else moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

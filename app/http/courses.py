"""`GET /api/courses/<slug>/check-status`: what the frontend polls."""

import hashlib
from datetime import datetime

from flask import Blueprint, current_app, jsonify, request
from werkzeug.wrappers import Response

from app.current import current_services
from app.generation.courses import read_status
from app.http.auth import authenticate

blueprint = Blueprint("courses", __name__)


@blueprint.get("/api/courses/<slug>/check-status")
def check_status(slug: str) -> Response:
    """The course's progress; 304 while it is what the client has. The tag leaves the running minutes out."""
    course = read_status(current_services().db, authenticate(), slug)
    body = {
        "courseId": str(course.course_id),
        "slug": course.slug,
        "currentStatus": course.status,
        "currentGenerationStatus": course.generation_status,
        "generationProgress": course.progress,
        "createdAt": _iso(course.created_at),
        "updatedAt": _iso(course.updated_at),
        "isStuck": course.stuck,
        "recoveryReason": course.reason,
        "suggestedStatus": course.suggested,
    }
    tag = hashlib.blake2b(current_app.json.dumps(body).encode(errors="replace"), digest_size=16).hexdigest()
    response = jsonify({**body, "minutesSinceCreation": int(course.age_s // 60)})
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    return response.make_conditional(request)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

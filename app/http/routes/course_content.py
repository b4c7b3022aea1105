"""`/api/courses/<slug>/content`, `…/publish`: the finished course, and the platform's own pages."""

from uuid import UUID

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from app.generation.results.content import find_content, read_json, read_markdown
from app.generation.results.publishing import publish_course
from app.http import bodies
from app.http.authentication import authenticate
from app.http.schemas import PublishSchema
from app.services.current import current_services

JSON, MARKDOWN = "application/json", "text/markdown"

blueprint = Blueprint("content", __name__)
_schema = PublishSchema()


@blueprint.get("/api/courses/<slug>/content")
def content(slug: str) -> Response:
    """What the generation of `jobId` made, else the last completed or stopped one, as JSON or Markdown.

    304 if the client has it.
    """
    db, caller = current_services().db, authenticate()
    mimetype = request.accept_mimetypes.best_match([JSON, MARKDOWN], JSON)
    found = find_content(db, caller, slug, _read_id(request.args.get("jobId")))
    tag = f"{found.tag}-{'md' if mimetype == MARKDOWN else 'json'}"
    if request.if_none_match and request.if_none_match.contains_weak(tag):
        response = Response(status=304)
    elif mimetype == MARKDOWN:
        response = Response(read_markdown(db, found), mimetype=MARKDOWN)
    else:
        response = Response(read_json(db, found), mimetype=JSON)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept, Authorization"
    return response


@blueprint.post("/api/courses/<slug>/publish")
def publish(slug: str) -> Response:
    """The course's last content is on the platform's own pages; `result` is null where nothing publishes."""
    caller, mode = authenticate(), bodies.load(_schema, bodies.read_json())["mode"]
    generation_id, result = publish_course(current_services().db, caller, slug, mode)
    return jsonify({"success": True, "jobId": str(generation_id), "mode": mode, "result": result})


def _read_id(text: str | None) -> UUID | None:
    """The generation's id. What is no id is one that no generation has."""
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return UUID(int=0)

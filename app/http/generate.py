"""`POST /api/coursegen/generate`: starts a generation."""

import logging

from flask import Blueprint, Response, g, jsonify

from app.current import current_services
from app.generation.admission import Order, admit
from app.http.auth import authenticate
from app.http.bodies import load, read_json
from app.http.schemas import GenerateSchema
from app.log import bind

MESSAGE = "Генерация курса инициализирована"

blueprint = Blueprint("generate", __name__)
log = logging.getLogger(__name__)
_schema = GenerateSchema()


@blueprint.post("/api/coursegen/generate")
def generate() -> Response:
    """The course's generation is admitted and queued; the body says under which jobId."""
    caller = authenticate()
    body = read_json()
    wish = load(_schema, body)
    if "userId" in body:
        log.info("user_id_ignored")
    services = current_services()
    order = Order(wish["course_id"], wish["webhook_url"], g.request_id)
    with bind(courseId=order.course_id):
        generation_id = admit(services.db, services.slots, services.events, caller, order)
        with bind(jobId=generation_id):
            log.info("generation_admitted")
    return jsonify({"success": True, "jobId": str(generation_id), "message": MESSAGE})

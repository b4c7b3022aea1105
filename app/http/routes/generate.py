"""`POST /api/coursegen/generate`: starts a generation."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, after_this_request, jsonify, request
from marshmallow import Schema

from app.generation.admission.requests import Admission, Order
from app.generation.admission.user_tier import with_platform_tier
from app.generation.callers import Caller
from app.http.authentication import authenticate
from app.http.bodies import load, read_json
from app.http.error_responses import error_response
from app.http.idempotency_header import FIELD, parse_key
from app.http.middleware.request_context import TRACEPARENT, request_id
from app.http.rate_limit import rate_limit
from app.http.routes.prometheus import current_counters
from app.http.schemas import GenerateSchema
from app.services.current import current_services
from app.telemetry.log import bind, bind_also
from app.telemetry.tracing import span

MESSAGE = "Генерация курса инициализирована"

blueprint = Blueprint("generate", __name__)
log = logging.getLogger(__name__)
_schema = GenerateSchema()


@blueprint.post("/api/coursegen/generate")
def generate() -> Response:
    """Admits and queues a generation of the course; the body has its jobId."""
    caller = authenticate()
    return jsonify(initiate(caller, read_json(), _schema, "http"))


def initiate(caller: Caller, body: Mapping[str, Any], schema: Schema, source: str) -> dict[str, Any]:
    """Admits and queues the generation that the body requests; returns the body of the 200.

    `source` labels the counter. The response's headers will have the slots that are left, or mark it as replayed.
    Raises `Invalid` and what `admit` raises.
    """
    fields = load(schema, body)
    if "userId" in body:
        log.info("user_id_ignored")
    services = current_services()
    key = request.headers.get(FIELD)
    key = None if key is None else parse_key(key)
    admissions = current_counters().admissions
    with (
        bind(courseId=fields["course_id"]),
        span("admission", request.environ[TRACEPARENT], coursegen__course=str(fields["course_id"])) as recorded,
    ):
        order = Order(
            fields["course_id"],
            fields["webhook_url"],
            request_id.get(),
            source,
            idempotency_key=key,
            traceparent=recorded.traceparent,
        )
        try:
            if services.settings.tier_source == "database":
                caller = with_platform_tier(services.db, caller, services.tiers)
                bind_also(tier=caller.tier.value)
            admission = services.admissions.admit(caller, order)
        except Exception as error:
            admissions.labels(source, error_response(error).code).inc()
            raise
        admissions.labels(source, "replayed" if admission.replayed else "admitted").inc()
        job_id = str(admission.generation_id)
        recorded.note(coursegen__job=job_id)
        with bind(jobId=job_id):
            log.info("response_replayed" if admission.replayed else "generation_admitted")
    after_this_request(partial(_add_headers, admission))
    return {"success": True, "jobId": job_id, "message": MESSAGE}


def _add_headers(admission: Admission, response: Response) -> Response:
    if admission.use is not None:
        response.headers.update(rate_limit(admission.use))
    if admission.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response

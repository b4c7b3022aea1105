"""`/metrics`: the processes' counters and gauges from the database, for Prometheus."""

import hmac
import logging
import time
from collections.abc import Sequence
from typing import cast

from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder

from app.current import current_services
from app.database.deadline import deadline
from app.http.error_responses import Unauthorized
from app.http.middleware.request_context import STARTED
from app.operations.gauges import Gauge, read_gauges
from app.telemetry.counters import Counters

#: The time limit of the database's gauges. After it the response has the counters alone.
DATABASE_S = 1.0

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: The name, label and help text of each gauge of the database.
GAUGES = {
    "generations": ("coursegen_generations_active", "status", "Active generations."),
    "jobs": ("coursegen_queue_jobs", "queue", "Jobs that are due and wait to be fetched."),
    "oldest_job": ("coursegen_queue_oldest_seconds", "queue", "How long the oldest of these jobs has waited."),
    "workers": ("coursegen_workers_live", "", "Worker processes with a fresh heartbeat."),
    "webhooks": ("coursegen_webhooks_undelivered", "", "Webhook deliveries that are pending."),
    "oldest_webhook": ("coursegen_webhooks_oldest_seconds", "", "How long the oldest of these deliveries has waited."),
}

blueprint = Blueprint("metrics", __name__)
log = logging.getLogger(__name__)


def register_counters(app: Flask) -> None:
    """Counts every request."""
    app.extensions["counters"] = Counters()
    app.after_request(_count)


def current_counters() -> Counters:
    return cast(Counters, current_app.extensions["counters"])


@blueprint.get("/metrics")
def metrics() -> Response:
    """Everything, in the format that the client accepts."""
    services = current_services()
    token = services.settings.metrics_token
    if token is not None and not hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()
    ):
        raise Unauthorized
    limit = services.slots.system_limit
    gauges = [_gauge("coursegen_slots_limit", "", "The system's limit of active generations.", [("", limit)])]
    try:
        with deadline(DATABASE_S):
            gauges += _families(read_gauges(services.db, services.settings.stalled_s))
        up = 1
    except Exception as error:  # noqa: BLE001 - the counters are reported whatever the database does
        log.warning("gauges_unavailable", extra={"error": f"{type(error).__name__}: {error}"})
        up = 0
    gauges.append(_gauge("coursegen_database_up", "", "Whether the database responded.", [("", up)]))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(current_counters().collect_with(gauges)), content_type=content_type)


def _count(response: Response) -> Response:
    route = "unmatched" if request.url_rule is None else request.url_rule.rule
    method = request.method if request.method in METHODS else "other"  # bounds the label's values
    current_counters().count_request(
        route, method, response.status_code, time.perf_counter() - request.environ[STARTED]
    )
    return response


def _families(values: Sequence[Gauge]) -> list[GaugeMetricFamily]:
    return [
        _gauge(*described, [(gauge.label, gauge.value) for gauge in values if gauge.name == name])
        for name, described in GAUGES.items()
    ]


def _gauge(name: str, label: str, help_text: str, samples: Sequence[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label] if label else [])
    for value_of_label, value in samples:
        family.add_metric([value_of_label] if label else [], value)
    return family

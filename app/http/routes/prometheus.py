"""`/metrics`: what the processes counted and how the whole stands, for Prometheus."""

import hmac
import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import cast

from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder

from app.current import current_request, current_services
from app.database.deadline import deadline
from app.http.error_responses import Unauthorized
from app.http.middleware.request_context import STARTED
from app.operations.gauges import Figure, read_figures
from app.telemetry.counters import Instruments

#: The longest look at the database. Without an answer by then the processes' own counts go out alone.
LOOK_S = 1.0

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Each figure of the database: its name, its label, what it says.
GAUGES = {
    "generations": ("coursegen_generations_active", "status", "Active generations."),
    "jobs": ("coursegen_queue_jobs", "queue", "Jobs that could run and wait."),
    "oldest_job": ("coursegen_queue_oldest_seconds", "queue", "How long the first of them has waited."),
    "workers": ("coursegen_workers_live", "", "Worker processes that gave a sign of life."),
    "webhooks": ("coursegen_webhooks_undelivered", "", "Webhook deliveries that are still to be made."),
    "oldest_webhook": ("coursegen_webhooks_oldest_seconds", "", "How long the first of them has waited."),
}

blueprint = Blueprint("metrics", __name__)
log = logging.getLogger(__name__)


def register_metrics(app: Flask) -> None:
    """Every request is counted."""
    instruments = app.extensions["instruments"] = Instruments()
    app.after_request(partial(_count, instruments))


def current_instruments() -> Instruments:
    return cast(Instruments, current_app.extensions["instruments"])


@blueprint.get("/metrics")
def metrics() -> Response:
    """All of it, in the format that was asked for."""
    services = current_services()
    token = services.settings.metrics_token
    if token is not None and not hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()
    ):
        raise Unauthorized
    gauges = [
        _gauge("coursegen_slots_limit", "", "Generations that may be active.", [("", services.slots.system_limit)])
    ]
    try:
        with deadline(LOOK_S):
            gauges += _families(read_figures(services.db, services.settings.stalled_s))
        up = 1
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from answering, the rest is told
        log.warning("figures_unavailable", extra={"error": f"{type(error).__name__}: {error}"})
        up = 0
    gauges.append(_gauge("coursegen_database_up", "", "Whether the database answered.", [("", up)]))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(current_instruments().gather(gauges)), content_type=content_type)


def _count(instruments: Instruments, response: Response) -> Response:
    asked = current_request()
    route = "unmatched" if asked.url_rule is None else asked.url_rule.rule
    method = asked.method if asked.method in METHODS else "other"  # a label has few values, whatever clients send
    instruments.count_request(route, method, response.status_code, time.perf_counter() - asked.environ[STARTED])
    return response


def _families(figures: Sequence[Figure]) -> list[GaugeMetricFamily]:
    return [
        _gauge(*described, [(figure.label, figure.value) for figure in figures if figure.name == name])
        for name, described in GAUGES.items()
    ]


def _gauge(name: str, label: str, help_text: str, samples: Sequence[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label] if label else [])
    for value_of_label, value in samples:
        family.add_metric([value_of_label] if label else [], value)
    return family

"""`/metrics`: the processes' counters and gauges from the database, for Prometheus."""

import hmac
import logging
import time
from collections.abc import Iterator
from typing import cast

from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from app.database.deadline import deadline
from app.http.error_responses import Unauthorized
from app.http.middleware.request_context import STARTED
from app.operations.listings import compare_slots, list_gauges
from app.services.current import current_services
from app.telemetry.counters import Counters
from app.telemetry.tracing import current_span

#: The time limit of the database's gauges. After it the response has the counters alone.
DATABASE_S = 1.0

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: The name, help text and labels of each gauge of the database.
GAUGES = {
    "slots_limit": ("coursegen_slots_limit", "The system's limit of active generations that is in force.", []),
    "paused": ("coursegen_paused", "What operators have paused.", ["control"]),
    "generations": ("coursegen_generations_active", "Active generations.", ["status"]),
    "jobs": ("coursegen_queue_jobs", "Jobs that are due and wait to be fetched.", ["queue"]),
    "oldest_job": ("coursegen_queue_oldest_seconds", "How long the oldest of these jobs has waited.", ["queue"]),
    "workers": ("coursegen_workers_live", "Worker processes that serve the queue, with a fresh heartbeat.", ["queue"]),
    "webhooks": ("coursegen_webhooks_undelivered", "Webhook deliveries that are pending.", []),
    "oldest_webhook": ("coursegen_webhooks_oldest_seconds", "How long the oldest of these deliveries has waited.", []),
    "slots": ("coursegen_slots_active", "The system's slots that are taken.", []),
    "paused_generations": ("coursegen_generations_paused", "Active generations that are paused.", ["reason"]),
    "stuck": ("coursegen_generations_stuck", "Active generations without progress for 15 minutes.", []),
    "overdue": ("coursegen_webhooks_overdue_seconds", "For how long the most overdue webhook has been due.", []),
    "failing": ("coursegen_webhooks_failing", "Generations whose webhook failed three times or more.", []),
    "events": ("coursegen_recent_events", "Events within the last hour.", ["type"]),
    "spending": ("coursegen_spending", "Spent by the generations that were admitted within a day.", ["unit"]),
    "reader_faults": (
        "coursegen_document_reader_failures",
        "Documents on which a reader broke within the last day.",
        ["format"],
    ),
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
    token = current_services().settings.metrics_token
    if token is not None and not hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()
    ):
        raise Unauthorized
    registry = CollectorRegistry()
    registry.register(current_counters())
    registry.register(_Gauges())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)


class _Gauges(Collector):
    """The gauges; those of the database only if it responds in time."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        services = current_services()
        has_redis = services.slots.problem() is None
        yield GaugeMetricFamily("coursegen_redis_up", "Whether Redis finds the slots' numbers.", has_redis)
        up = ("coursegen_database_up", "Whether the database responded.")
        try:
            with deadline(DATABASE_S):
                gauges = list_gauges(services)
                drifts = [row["drift"] for row in compare_slots(services, DATABASE_S) if row["drift"] is not None]
        except Exception as error:  # noqa: BLE001 - the counters are reported without the database
            log.warning("gauges_unavailable", extra={"error": f"{type(error).__name__}: {error}"})
            yield GaugeMetricFamily(*up, 0)
            return
        yield GaugeMetricFamily(*up, 1)
        if drifts:
            text = "Users, and the system, whose slots in Redis differ from PostgreSQL's."
            yield GaugeMetricFamily("coursegen_slots_drift", text, sum(map(bool, drifts)))
        for name, (metric, text, labels) in GAUGES.items():
            family = GaugeMetricFamily(metric, text, labels=labels)
            for gauge in gauges:
                if gauge["name"] == name:
                    family.add_metric([gauge["label"]] if labels else [], gauge["value"])
            yield family


def _count(response: Response) -> Response:
    route = "unmatched" if request.url_rule is None else request.url_rule.rule
    method = request.method if request.method in METHODS else "other"  # bounds the label's values
    current_span().rename(f"{method} {route}")
    current_span().note(http__route=route)
    counters = current_counters()
    counters.requests.labels(route, method, response.status_code).inc()
    counters.seconds.labels(route, method).observe(time.perf_counter() - request.environ[STARTED])
    return response

"""Sends pending deliveries, the next by fairness first, outside any transaction.

The queue's jobs only wake senders: a sender goes on until nothing that may be sent is due. A delivery that failed is
put off, and a job wakes a sender when it is due again.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.generation.webhooks.outbox import Attempt, Delivery, DeliveryState, claim_delivery, finish_delivery
from app.generation.webhooks.signed_messages import sign, write_body
from app.generation.webhooks.urls import BadWebhookUrl, WebhookUrl, parse_webhook_url
from app.services import Services
from app.telemetry.log import bind
from app.telemetry.traceparent import trace_id
from app.telemetry.tracing import span
from tasks.webhooks.webhook_client import NoResponse, Response, WebhookClient

#: The wait after the first failure; doubled after each further one, up to the longest. Also the longest `Retry-After`.
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 3600.0
#: A wait is longer by up to this share of itself, so that deliveries that failed together are not retried together.
JITTER = 0.25

GONE = 410

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends deliveries to their receivers; safe to use from several threads at once."""

    services: Services
    client: WebhookClient
    #: Asked before each delivery, whether the process is about to end.
    stopping: Callable[[], bool] = lambda: False

    def send_all(self, generation_id: UUID) -> None:
        """Sends deliveries until none is due that may be sent now, or the process stops."""
        while not self.stopping() and self.send_next(generation_id):
            pass

    def send_next(self, generation_id: UUID) -> bool:
        """Sends the next delivery by fairness or puts it off, and queues a job for the one after it.

        False if there was none. `generation_id` is whose job this is: its delivery need not be the next.
        """
        secret = self.services.settings.webhook_secret
        if secret is None:
            log.warning("webhook_secret_missing")  # deliveries stay pending until there is one
            return False
        # The other half is for other users and hosts.
        share = max(1, self.services.settings.webhook_concurrency // 2)
        delivery = claim_delivery(self.services.db, generation_id, share)
        if delivery is None:
            return False
        with bind(jobId=delivery.generation_id, courseId=delivery.course_id, traceId=trace_id(delivery.traceparent)):
            self._send(delivery, secret)
        return True

    def _send(self, delivery: Delivery, secret: str) -> None:
        if delivery.left_s <= 0:
            self._finish(delivery, DeliveryState.GIVEN_UP, None)
            return
        try:
            url = parse_webhook_url(delivery.url, self.services.settings.webhook_allowed_hosts)
        except BadWebhookUrl as error:
            # Admission accepted it: the setting has changed since, and may change back.
            self._record(delivery, Attempt(0, error=f"refused: {error}"), None)
            return
        began, response, reason = time.monotonic(), None, None
        with span(
            "webhook", delivery.traceparent, "CLIENT", server__address=url.host, server__port=url.port
        ) as recorded:
            try:
                response = self._post(delivery, secret, url, recorded.traceparent)
                recorded.note(http__response__status_code=response.status, coursegen__seq=delivery.seq)
            except NoResponse as error:
                reason = str(error)
                recorded.fail(reason)
        ms = round((time.monotonic() - began) * 1000)
        if response is None:
            self._record(delivery, Attempt(ms, error=reason), None)
        else:
            self._record(delivery, Attempt(ms, response.status, excerpt=response.excerpt), response.retry_after_s)

    def _post(self, delivery: Delivery, secret: str, url: WebhookUrl, traceparent: str | None) -> Response:
        body, settings = write_body(delivery), self.services.settings
        secrets = (secret, *settings.webhook_secret_old)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"course-generation/{settings.app_version}",
            **({"traceparent": traceparent} if traceparent else {}),
            **sign(secrets, settings.webhook_signing_key, delivery.message_id, int(time.time()), body),
        }
        return self.client.post(url, headers, body)

    def _record(self, delivery: Delivery, attempt: Attempt, retry_after_s: float | None) -> None:
        """The delivery is finished or put off, as the attempt's result demands."""
        if attempt.status is not None and 200 <= attempt.status < 300:
            self._finish(delivery, DeliveryState.DELIVERED, attempt)
        elif attempt.status == GONE:
            self._finish(delivery, DeliveryState.GONE, attempt)
        elif (wait_s := wait_after(delivery.failures, retry_after_s)) >= delivery.left_s:
            self._finish(delivery, DeliveryState.GIVEN_UP, attempt)
        else:
            self._finish(delivery, DeliveryState.PENDING, attempt, wait_s)

    def _finish(
        self, delivery: Delivery, state: DeliveryState, attempt: Attempt | None, wait_s: float | None = None
    ) -> None:
        match finish_delivery(self.services.db, delivery, state, attempt, wait_s=wait_s):
            case None:
                return
            case DeliveryState.PENDING:
                log.warning("webhook_failed", extra={**_facts(delivery, attempt), "nextInS": round(wait_s or 0, 1)})
            case ended:
                level = logging.INFO if ended is DeliveryState.DELIVERED else logging.ERROR
                log.log(level, f"webhook_{ended.value}", extra=_facts(delivery, attempt))


def wait_after(failures: int, retry_after_s: float | None) -> float:
    """The seconds until the next attempt: the backoff after so many failures, or the receiver's request if longer."""
    wait_s = min(FIRST_WAIT_S * 2.0 ** min(failures, 32), LONGEST_WAIT_S)
    wait_s = max(wait_s, min(retry_after_s or 0.0, LONGEST_WAIT_S))
    return wait_s * (1 + random.uniform(0, JITTER))  # noqa: S311


def _facts(delivery: Delivery, attempt: Attempt | None) -> dict[str, Any]:
    """The fields of a log line: neither the URL, which may hold a secret, nor the body of a response."""
    facts = {"seq": delivery.seq, "failures": delivery.failures}
    return facts if attempt is None else {**facts, "status": attempt.status, "error": attempt.error, "ms": attempt.ms}

"""Sends what waits for a generation's webhook: one delivery a job, outside any transaction.

A job never waits for a receiver's better times: it puts the delivery off and ends, and another job comes then.
"""

import logging
import random
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.generation.webhooks import outbox as webhooks
from app.generation.webhooks.messages import message_id, sign, write_body
from app.generation.webhooks.outbox import Attempt, Delivery, DeliveryState
from app.generation.webhooks.urls import BadWebhookUrl, WebhookUrl, parse_webhook_url
from app.services import Services
from app.telemetry.log import bind
from tasks.webhooks.circuits import Circuits
from tasks.webhooks.posting import Answer, NoAnswer, Poster

#: The wait after a first failure; doubled after each further one, up to the longest. Also the longest `Retry-After`.
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 3600.0
#: By how much of itself a wait may be longer, so that those that failed together don't come back together.
JITTER = 0.25

GONE = 410

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends deliveries to their receivers, one a call, from several threads at once."""

    services: Services
    poster: Poster
    circuits: Circuits

    def send_next(self, generation_id: UUID) -> None:
        """The generation's first delivery that waits has been tried, or put off; another job is queued if one waits."""
        with bind(jobId=generation_id):
            if self.services.settings.webhook_secret is None:
                log.warning("webhook_secret_missing")  # what waits stays; it is sent once there is one
                return
            delivery = webhooks.claim(self.services.db, generation_id)
            if delivery is not None:
                with bind(courseId=delivery.course_id):
                    self._send(delivery, self.services.settings.webhook_secret)

    def _send(self, delivery: Delivery, secret: str) -> None:
        if delivery.left_s <= 0:
            self._close(delivery, DeliveryState.GIVEN_UP, None)
            return
        try:
            url = parse_webhook_url(delivery.url, self.services.settings.webhook_allowed_hosts)
        except BadWebhookUrl as error:
            # It was good when it was asked for: the setting has changed since, and may change back.
            self._fold(delivery, Attempt(0, error=f"refused: {error}"), None)
            return
        wait_s = self.circuits.enter((url.host, url.port))
        if wait_s is not None:
            webhooks.put_off(self.services.db, delivery, wait_s)
            return
        began, answered = time.monotonic(), False
        try:
            answer = self._post(delivery, secret, url)
            answered = True
        except NoAnswer as error:
            attempt, retry_after_s = Attempt(_ms_since(began), error=str(error)), None
        else:
            attempt = Attempt(_ms_since(began), answer.status, excerpt=answer.excerpt)
            retry_after_s = answer.retry_after_s
        finally:
            self.circuits.leave((url.host, url.port), answered=answered, took_s=time.monotonic() - began)
        self._fold(delivery, attempt, retry_after_s)

    def _post(self, delivery: Delivery, secret: str, url: WebhookUrl) -> Answer:
        body = write_body(delivery)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"course-generation/{self.services.settings.app_version}",
            **sign(secret, message_id(delivery), int(time.time()), body),
        }
        return self.poster.post(url, headers, body)

    def _fold(self, delivery: Delivery, attempt: Attempt, retry_after_s: float | None) -> None:
        """What the try means for the delivery."""
        if attempt.status is not None and 200 <= attempt.status < 300:
            self._close(delivery, DeliveryState.DELIVERED, attempt)
        elif attempt.status == GONE:
            self._close(delivery, DeliveryState.GONE, attempt)
        elif (wait_s := wait_after(delivery.failures, retry_after_s)) >= delivery.left_s:
            self._close(delivery, DeliveryState.GIVEN_UP, attempt)
        elif webhooks.put_off(self.services.db, delivery, wait_s, attempt):
            log.warning("webhook_failed", extra={**_facts(delivery, attempt), "nextInS": round(wait_s, 1)})

    def _close(self, delivery: Delivery, state: DeliveryState, attempt: Attempt | None) -> None:
        if webhooks.finish(self.services.db, delivery, state, attempt):
            level = logging.INFO if state is DeliveryState.DELIVERED else logging.ERROR
            log.log(level, f"webhook_{state.value}", extra=_facts(delivery, attempt))


def wait_after(failures: int, retry_after_s: float | None) -> float:
    """The seconds until the next try, after so many earlier failures; what the receiver asked for, if longer."""
    wait_s = min(FIRST_WAIT_S * 2.0 ** min(failures, 32), LONGEST_WAIT_S)
    wait_s = max(wait_s, min(retry_after_s or 0.0, LONGEST_WAIT_S))
    return wait_s * (1 + random.uniform(0, JITTER))  # noqa: S311


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _facts(delivery: Delivery, attempt: Attempt | None) -> dict[str, Any]:
    """What a log line says of it; neither the URL, which may hold a secret, nor the body of an answer."""
    facts = {"seq": delivery.seq, "failures": delivery.failures}
    return facts if attempt is None else {**facts, "status": attempt.status, "error": attempt.error, "ms": attempt.ms}

"""Sends each begin and each end of a finding of doctor to `ALERT_WEBHOOK_URL`."""

import logging
import time

import psycopg

from app.generation.webhooks.signed_messages import sign
from app.generation.webhooks.urls import parse_trusted_url
from app.operations.doctor import examine_servers
from app.operations.doctor.alerts import Alert, claim_alert, finish_alert, note_findings, write_message
from app.services import Services
from app.settings import Settings
from tasks.webhooks.webhook_client import NoResponse, WebhookClient

#: The wait after the first failed attempt; doubled after each further one, up to the longest.
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 600.0
#: A receiver that takes longer for a message is slow.
QUICK_S = 3.0

log = logging.getLogger(__name__)


def alert(services: Services, client: WebhookClient, after_s: float) -> None:
    """Every check was made once, and what is due was sent.

    After a failed or slow attempt the rest waits for the next call: no receiver keeps a place of upkeep for long.
    Does nothing without a receiver. `after_s`: for how long a finding, or its end, must last to be sent.
    """
    if services.settings.alert_webhook_url is None:
        return
    try:
        # Without those of the settings: other processes may have others, or need other files.
        note_findings(services.db, examine_servers(services), after_s)
        while (due := claim_alert(services.db)) is not None and _send_due(services, client, due):
            pass
    except psycopg.Error as error:
        # `watch_contact` reports the outage itself.
        log.warning("alerts_unavailable", extra={"error": str(error)})


def send_alert(settings: Settings, client: WebhookClient, due: Alert) -> bool:
    """Whether the receiver accepted it within 10 s."""
    assert settings.alert_webhook_url is not None  # noqa: S101 - asked before
    body = write_message(due, settings)
    headers = {"Content-Type": "application/json", "User-Agent": f"course-generation/{settings.app_version}"}
    if settings.webhook_secret is not None:
        secrets = (settings.webhook_secret, *settings.webhook_secret_old)
        headers |= sign(secrets, settings.webhook_signing_key, due.message_id, int(time.time()), body)
    facts = {"finding": due.finding, "event": due.event}
    try:
        status = client.post(parse_trusted_url(settings.alert_webhook_url), headers, body).status
    except NoResponse as error:
        log.warning("alert_failed", extra={**facts, "error": str(error)})
        return False
    if not 200 <= status < 300:
        log.warning("alert_failed", extra={**facts, "status": status})
        return False
    log.info("alert_sent", extra=facts)
    return True


def _send_due(services: Services, client: WebhookClient, due: Alert) -> bool:
    """Whether the receiver accepted it at once."""
    began = time.monotonic()
    is_sent = send_alert(services.settings, client, due)
    is_quick = time.monotonic() - began <= QUICK_S
    wait_s = min(FIRST_WAIT_S * 2.0 ** min(due.failures, 32), LONGEST_WAIT_S)
    finish_alert(services.db, due, None if is_sent else wait_s)
    return is_sent and is_quick

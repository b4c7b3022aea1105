"""Alerts: what the receiver of `ALERT_WEBHOOK_URL` knows of doctor's findings, kept in `coursegen.alerts`.

Each verb runs one versioned SQL function of `sql/functions/alerts`, as a statement of its own. So each begin and each
end is sent once, however many workers serve upkeep, and a restart repeats nothing.
"""

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from app.database.pool import Database
from app.database.queries import QUERIES
from app.operations.doctor.findings import RUNBOOK, Finding, State, summarize
from app.settings import Settings

#: How long a claim lasts: longer than any attempt to send.
HOLD_S = 30
#: A longer pause between two checks than any restart takes: the database, or every worker of upkeep, was away.
GAP_S = 60
#: The name of doctor's finding under which such a pause is sent, and its details.
DATABASE = "database"
RESUMED = {
    "summary": "Checks run again.",
    "found": "none ran for a while: the database or upkeep was away",
    "advice": "",
}
AWAY = Finding(State.ERROR, DATABASE, "A worker of upkeep has no answer from it", "Check the server.", "database")


@dataclass(frozen=True, slots=True)
class Alert:
    """A claimed begin or end of a finding. `held_until` identifies the claim, `failures` counts attempts."""

    finding: str
    event: str
    details: Mapping[str, str]
    began_at: datetime
    ended_at: datetime | None = None
    failures: int = 0
    held_until: datetime | None = None

    @property
    def message_id(self) -> str:
        """The same for every attempt."""
        return f"{self.event}-{self.finding.replace(' ', '-')}-{int(self.began_at.timestamp())}"


def note_findings(db: Database, findings: Iterable[Finding], after_s: float, gap_s: float = GAP_S) -> None:
    """Stores the findings. Begins and ends that have lasted `after_s` are due after it."""
    found = [
        {"finding": finding.check, "is_problem": finding.state is not State.OK, "details": describe(finding)}
        for finding in findings
    ]
    values = {"found": Jsonb(found), "after_s": after_s, "gap": Jsonb(RESUMED), "gap_s": gap_s}
    with db.statement() as conn:
        conn.execute(QUERIES["note_findings"], values)


def claim_alert(db: Database) -> Alert | None:
    """Claims the next begin or end that is due; None if none is."""
    with db.statement() as conn:
        row = conn.execute(QUERIES["claim_alert"], {"hold_s": HOLD_S}).fetchone()
    return None if row is None else Alert(**row)


def finish_alert(db: Database, alert: Alert, wait_s: float | None) -> None:
    """Ends the claim: the alert was sent, or is due again in `wait_s`."""
    values = {"finding": alert.finding, "held_until": alert.held_until, "event": alert.event, "wait_s": wait_s}
    with db.statement() as conn:
        conn.execute(QUERIES["finish_alert"], values)


def describe(finding: Finding) -> dict[str, str]:
    """What is kept of a finding, for its messages."""
    said = {"summary": summarize([finding]), "found": finding.found, "advice": finding.advice}
    return {**said, "severity": finding.state.value}


def describe_outage(event: str, began_at: datetime) -> Alert:
    """The begin or the end of an outage of the database, which has no row."""
    return Alert(DATABASE, event, describe(AWAY), began_at, datetime.now(UTC) if event == "end" else None)


def write_message(alert: Alert, settings: Settings) -> bytes:
    """The message as JSON. `text` is all that chats show of it; the other fields are for programs."""
    details, host = alert.details, socket.gethostname()
    state = "is over" if alert.event == "end" else "begins"
    text = f"[{settings.app_env}] {alert.finding} {state}: {details['summary']}"
    if alert.event == "begin":
        text += f" {details['found']}. {details['advice']}".rstrip()
    message: dict[str, Any] = {
        "text": f"{text} ({host})",
        "event": alert.event,
        "finding": alert.finding,
        **details,
        "since": alert.began_at.isoformat(),
        "endedAt": alert.ended_at and alert.ended_at.isoformat(),
        "runbook": RUNBOOK,
        "service": "course-generation",
        "environment": settings.app_env,
        "version": settings.app_version,
        "host": host,
    }
    return json.dumps(message, ensure_ascii=False).encode()

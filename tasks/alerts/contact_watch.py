"""Sends the begin and the end of an outage of the database, which cannot be stored anywhere meanwhile."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from app.operations.doctor.alerts import Alert, describe_outage
from tasks.queue.contact import Contact

#: Seconds between looks, and between attempts to send.
TICK_S = 1.0


async def watch_contact(contact: Contact, lost_s: float, send: Callable[[Alert], bool], tick_s: float = TICK_S) -> None:
    """Sends one begin each time that the database has not answered for `lost_s`, and its end if it answers again.

    Runs until it is cancelled. A process that never had an answer has seen no begin, and sends nothing. After
    `STALLED_S` the worker itself ends: then the first check that succeeds sends the end.
    """
    began: datetime | None = None
    while True:
        await asyncio.sleep(tick_s)
        silence_s = contact.silence_s()
        if began is None and silence_s >= lost_s:
            since = datetime.now(UTC) - timedelta(seconds=silence_s)
            began = since if await asyncio.to_thread(send, describe_outage("begin", since)) else None
        elif began is not None and silence_s < lost_s:
            began = None if await asyncio.to_thread(send, describe_outage("end", began)) else began

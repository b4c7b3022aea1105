"""What the entry points share: the settings, the database, the slots and the events, made once a process."""

from dataclasses import dataclass
from functools import partial

from app.database.pool import Database
from app.generation.admission.admit import Admissions
from app.generation.events import EventBuffer
from app.generation.progress.status import Polls
from app.generation.progress.watch import Watch
from app.generation.slots.holders import list_holders
from app.generation.slots.keeper import SlotKeeper
from app.generation.tiers import TierNames
from app.settings import Settings
from app.telemetry.tracing import stop_tracing


@dataclass(frozen=True, slots=True)
class Services:
    """Nothing in here has reached a server before it is first used."""

    settings: Settings
    db: Database
    slots: SlotKeeper
    events: EventBuffer
    admissions: Admissions
    polls: Polls
    watch: Watch
    tiers: TierNames

    def close(self) -> None:
        """Events are written if they can be, and no connection is left open; the last spans are sent."""
        self.watch.close()
        self.events.close()
        self.slots.close()
        self.db.close()
        stop_tracing()


def make_services(settings: Settings) -> Services:
    db = Database(settings.database_url, settings.pool_size, pooled=settings.database_pooled)
    holders = partial(list_holders, db)
    slots = SlotKeeper(settings.redis_url, holders, settings.redis_prefix)
    polls = Polls(db, settings.stalled_s)
    events = EventBuffer(db.statement)
    return Services(
        settings,
        db,
        slots,
        events,
        Admissions(
            db,
            slots,
            events,
            settings.global_concurrency_limit,
            settings.starts_and_cancels_per_minute,
            beside=settings.old_stack == "beside",
        ),
        polls,
        Watch(polls.read_all, settings.sse_connections, settings.sse_per_user),
        TierNames(settings.tier_aliases),
    )

"""What the entry points share: the settings, the database, the slots and the events, made once a process."""

from dataclasses import dataclass

from app.db import Database
from app.generation.events import EventBuffer, write_with
from app.generation.slots import SlotKeeper, read_holders
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Nothing in here has reached a server before it is first used."""

    settings: Settings
    db: Database
    slots: SlotKeeper
    events: EventBuffer

    def close(self) -> None:
        """Events are written if they can be, and no connection is left open."""
        self.events.close()
        self.slots.close()
        self.db.close()


def make_services(settings: Settings) -> Services:
    db = Database(settings.database_url, settings.pool_size)
    slots = SlotKeeper(settings.redis_url, settings.global_concurrency_limit, read_holders(db))
    return Services(settings, db, slots, EventBuffer(write_with(db.transaction)))

"""The row of this process in `coursegen.processes`, written with each sign of life."""

import logging
import os
import socket
from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from app.database.deadline import deadline
from app.database.pool import Database, Unmigrated
from app.database.queries import QUERIES
from app.settings import Settings
from app.settings.shown import show_settings
from app.telemetry.host_load import read_load

#: The longest that a sign of life may take.
KEEP_S = 3.0

log = logging.getLogger(__name__)


def name_process() -> str:
    """This process: its host and process id, as in `coursegen.workers` and `coursegen.attempts`."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Registration:
    """The row of this process. `places`: how many stages it runs at once."""

    def __init__(self, kind: str, settings: Settings, places: int = 0) -> None:
        self._facts = {
            "process": name_process(),
            "kind": kind,
            "version": settings.app_version,
            "settings": Jsonb(show_settings(settings)),
            "places": places,
        }
        #: Whether the row is this process's, and not that of an earlier one of its name.
        self.is_kept = False
        self._is_reported = False

    def describe(self) -> dict[str, Any]:
        """The parameters of `keep_process`, with the load of the host just now."""
        return {**self._facts, **asdict(read_load()), "is_new": not self.is_kept}

    def keep(self, db: Database) -> None:
        """Writes a sign of life. If the database can't be used, the next one will do; the first failure is logged."""
        try:
            with deadline(KEEP_S), db.statement() as conn:
                conn.execute(QUERIES["keep_process"], self.describe())
            self.is_kept, self._is_reported = True, False
        except (psycopg.Error, Unmigrated) as error:
            if not self._is_reported:
                log.warning("process_unregistered", extra={"error": str(error)})
            self._is_reported = True

    def remove(self, db: Database) -> None:
        """The row is gone, or upkeep removes it later."""
        try:
            with deadline(KEEP_S), db.statement() as conn:
                conn.execute(QUERIES["remove_process"], {"process": self._facts["process"]})
        except (psycopg.Error, Unmigrated) as error:
            log.warning("process_not_removed", extra={"error": str(error)})

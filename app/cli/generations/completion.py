"""Completes the ids of generations in a shell, from the database if that answers at once."""

from contextlib import suppress

import click
import psycopg
from click.shell_completion import CompletionItem

from app.database.preflight import connect_briefly
from app.database.queries import QUERIES
from app.settings import BadSettings, read_settings
from app.settings.env_file import BadEnvFile, load_env_file
from app.telemetry.printable import inert

MOST = 100


def complete_id(context: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The latest ids that begin so, each with its status and course; none where the database can't be asked."""
    with suppress(BadEnvFile, BadSettings, psycopg.Error):
        load_env_file(context.find_root().params.get("env_file"))
        settings = read_settings()
        with connect_briefly(settings.database_url, pooled=settings.database_pooled) as conn:
            rows = conn.execute(QUERIES["list_recent_generations"], {"limit": MOST}).fetchall()
        return [
            CompletionItem(row[0], help=inert(f"{row[1]} {row[2]}", keep=""))
            for row in rows
            if row[0].startswith(begun)
        ]
    return []

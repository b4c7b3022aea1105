"""What operators ask and decide about the platform's database."""

import hashlib
from typing import Any
from uuid import UUID

import psycopg

from app.database.migration_session import (
    POOLER,
    POOLER_ADVICE,
    connect_for_migration,
    is_transaction_pooler,
    migration_session,
)
from app.database.migrations import grant_privileges, missing
from app.database.platform.check import check_platform
from app.database.platform.remarks import Kind, Remark
from app.database.platform.shipped_maps import SHIPPED, StatusMap
from app.database.platform.status_map import (
    BadMap,
    parse_map,
    read_map,
    read_own_columns,
    recognise,
    store_map,
)
from app.generation.audit import Actor, record_audit
from app.generation.errors import NoContent
from app.generation.results.publishing import publish_generation
from app.operations.listings import find_generation
from app.services import Services
from app.settings import Settings

#: What `change_status_map` takes in place of a map: what `migrate` chooses for the database as it is.
RECOGNISED = "recognised"


def check(settings: Settings, *, upgrade_queue: bool = False) -> tuple[list[Remark], list[str]]:
    """Every remark on the database as `migrate` meets it, and what `migrate` would apply. Changes nothing."""
    with connect_for_migration(settings.database_url) as conn, connect_for_migration(settings.database_url) as other:
        remarks = check_platform(conn, app_role=settings.app_role, upgrade_queue=upgrade_queue)
        if is_transaction_pooler(conn, other):
            remarks.insert(0, Remark(Kind.OBSTACLE, "pooler", POOLER, POOLER_ADVICE))
        return remarks, missing(conn)


def change_status_map(settings: Settings, actor: Actor, given: object) -> StatusMap:
    """The given map, one shipped under that name, or the `RECOGNISED` one is in force; returns it. Audited.

    Raises `BadMap`, also for a login that does not own the map.
    """
    with psycopg.connect(settings.database_url) as conn:
        try:
            status_map = _make_map(conn, given)
            store_map(conn, status_map)
        except psycopg.errors.InsufficientPrivilege as error:
            raise BadMap("Set DATABASE_URL to the login that runs `coursegen migrate`: it owns the map") from error
        record_audit(conn, actor, "change_status_map", **as_json(status_map))
    return status_map


def apply_script(settings: Settings, actor: Actor, name: str, script: bytes) -> None:
    """The SQL of an operator's file is applied in one transaction, the role's privileges included. Audited."""

    def run(conn: psycopg.Connection[Any]) -> None:
        conn.execute(script)
        grant_privileges(conn, settings.app_role)
        record_audit(conn, actor, "apply_script", file=name, sha256=hashlib.sha256(script).hexdigest())

    with migration_session(settings.database_url) as session:
        session.run(run)


def publish(services: Services, actor: Actor, generation_id: UUID, mode: str) -> dict[str, Any] | None:
    """Publishes a completed generation, again if it was before; returns what was done, None without a function for it.

    Raises `NotFound`, and `NoContent` for one that is not completed.
    """
    generation = find_generation(services.db, generation_id)
    if generation["status"] != "completed":
        raise NoContent
    return publish_generation(services.db, actor, generation_id, mode)


def show_status_map(settings: Settings) -> StatusMap | None:
    """The map in force; None before the first `migrate` that knows of it."""
    with psycopg.connect(settings.database_url) as conn:
        return read_map(conn)


def as_json(status_map: StatusMap) -> dict[str, Any]:
    """The map as `change_status_map` takes it, with its source."""
    return {
        "source": status_map.source,
        "column": status_map.column,
        "values": dict(status_map.values),
        "changes": {old: list(followers) for old, followers in status_map.changes.items()},
    }


def _make_map(conn: psycopg.Connection[Any], given: object) -> StatusMap:
    if given == RECOGNISED:
        return recognise(conn, own_columns=read_own_columns(conn))
    if isinstance(given, str):
        if given not in SHIPPED:
            raise BadMap(f"There is no map {given}. Shipped: {', '.join(SHIPPED)}")
        given = as_json(SHIPPED[given])
    return parse_map(conn, given)

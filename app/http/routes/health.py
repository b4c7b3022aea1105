"""`/livez` and `/readyz`."""

import logging
from typing import Any

import psycopg
from flask import Blueprint, Response, jsonify

from app.database.pool import Unmigrated
from app.services.current import current_services

blueprint = Blueprint("health", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/livez")
def livez() -> Response:
    """200 while the process serves requests; contacts no other server."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """503 without a migrated database that takes writes; 200 and "degraded" without Redis."""
    services = current_services()
    checks: dict[str, Any] = {"database": "ok", "migrations": "ok", "redis": "ok"}
    try:
        with services.db.connection() as conn:
            if not conn.execute("select where current_setting('transaction_read_only') = 'off'").rowcount:
                checks["database"] = "read-only"
    except Unmigrated as error:
        checks["migrations"] = f"missing: {', '.join(error.names)}; run `coursegen migrate`"
    except psycopg.Error as error:
        log.warning("database_unavailable", extra={"error": str(error)})
        checks.update(database="unavailable", migrations="unknown")
    if problem := services.slots.problem():
        checks["redis"] = problem
    ready = checks["database"] == checks["migrations"] == "ok"
    status = "unready" if not ready else "ready" if checks["redis"] == "ok" else "degraded"
    return jsonify({"status": status, "checks": checks}), 200 if ready else 503

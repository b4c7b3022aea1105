"""The settings as they may be shown: by variable, as text, and of each secret a fingerprint."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from app.settings.environment import HIDDEN, Settings

#: Those that are a process's own: its address and size, and where its host keeps the files.
LOCAL = frozenset(
    {
        *("HOST", "PORT", "CONSOLE_HOST", "CONSOLE_PORT", "API_PROCESSES", "API_THREADS", "API_AFFINITY"),
        *("SSE_CONNECTIONS", "SSE_PER_USER", "KEEP_ALIVE_S", "POOL_SIZE", "WORKER_CONCURRENCY", "WEBHOOK_CONCURRENCY"),
        *("LOG_LEVEL", "SHUTDOWN_GRACE_S", "FILES_ROOT", "DATABASE_URL", "DATABASE_POOLER", "REDIS_URL", "APP_VERSION"),
    }
)
#: Those on which processes of every kind must agree. Processes of one kind must agree on all that are not local.
COMMON = frozenset(
    {
        *("GLOBAL_CONCURRENCY_LIMIT", "GLOBAL_CONCURRENCY_LIMIT_MIN", "GLOBAL_CONCURRENCY_LIMIT_MAX"),
        *("REDIS_PREFIX", "OLD_STACK", "APP_ENV", "STALLED_S", "WEBHOOK_SIGNING_KEY"),
    }
)


def show_settings(settings: Settings) -> dict[str, str]:
    """Every setting, by its variable."""
    return {field.name.upper(): _show(field.name, getattr(settings, field.name)) for field in fields(Settings)}


def fingerprint(secret: str) -> str:
    """Eight hex digits of SHA-256, by which two hosts compare a secret without showing it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def _show(name: str, value: Any) -> str:
    if name == "global_concurrency_limit":
        return str(value or "auto")
    if name in HIDDEN:
        return ", ".join(map(fingerprint, [value] if isinstance(value, str) else value or ())) or "none"
    if name == "database_url":
        parts = conninfo_to_dict(value)
        place = f"{parts.get('user', '')}@{parts.get('host', '')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
        return _with_password(place, parts.get("password"))
    if name in ("redis_url", "jwt_jwks_url") and value:
        parts = urlsplit(value)
        return _with_password(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", parts.password)
    return _plain(value)


def _with_password(place: str, password: Any) -> str:
    return f"{place}, password {fingerprint(str(password))}" if password else place


def _plain(value: Any) -> str:
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        shown = {getattr(key, "value", key): _plain(each) for key, each in value.items()}
        value = [f"{key}: {each}" for key, each in shown.items() if each != "none"]
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(getattr(value, "value", value))

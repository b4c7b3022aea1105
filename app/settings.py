"""The service's settings: read once from the environment, typed, frozen."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import environs
import psycopg
from marshmallow import ValidationError, validate
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

from app.generation.stages import Stage

#: RFC 7518 §3.2: an HS256 key is at least as long as its hash.
MIN_SECRET_BYTES = 32

#: Where the shipped handler of each stage lives; `HANDLER_<STAGE>` replaces it.
HANDLERS = {stage: f"pipeline.{stage.value.lower()}.handle" for stage in Stage}
#: Where a token says its user's tier; the first claim present counts.
TIER_CLAIMS = ["app_metadata.tier", "user_metadata.tier"]


class BadSettings(Exception):
    """Some variables of the environment are missing or wrong; `problems` maps each to its reasons."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        self.problems = dict(problems)
        lines = [f"  {name}: {' '.join(reasons)}" for name, reasons in sorted(self.problems.items())]
        super().__init__("\n".join(["The environment is not usable:", *lines]))


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the service; times are in seconds. `docs/settings.md` explains each."""

    database_url: str
    redis_url: str
    jwt_secret: str
    jwt_issuer: str | None
    jwt_audience: str
    tier_claims: tuple[str, ...]
    global_concurrency_limit: int
    files_root: Path
    log_level: str
    app_env: str
    app_version: str
    host: str
    port: int
    api_processes: int
    api_threads: int
    pool_size: int
    worker_concurrency: int
    heartbeat_s: float
    stalled_s: float
    stage_timeout_s: float
    upkeep_s: int
    shutdown_grace_s: float
    retry_backoff_s: float
    handlers: Mapping[Stage, str]


def read_settings() -> Settings:
    """Every setting from the environment. Raises `BadSettings`, naming every bad variable at once."""
    env = environs.Env(eager=False)
    at_least_one = validate.Range(min=1)
    positive = validate.Range(min=0, min_inclusive=False)
    values: dict[str, Any] = {
        "database_url": env.str("DATABASE_URL", validate=_url("postgresql", "postgres", parse=_parse_conninfo)),
        "redis_url": env.str("REDIS_URL", validate=_url("redis", "rediss", "unix", parse=parse_url)),
        "jwt_secret": env.str("JWT_SECRET", validate=_secret),
        "jwt_issuer": env.str("JWT_ISSUER", None) or None,
        "jwt_audience": env.str("JWT_AUDIENCE", "authenticated", validate=validate.Length(min=1)),
        "tier_claims": tuple(claim.strip() for claim in env.list("TIER_CLAIMS", TIER_CLAIMS) or ()),
        "global_concurrency_limit": env.int("GLOBAL_CONCURRENCY_LIMIT", 3, validate=at_least_one),
        "files_root": env.path("FILES_ROOT", Path("files")),
        "log_level": env.str(
            "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
        ),
        "app_env": env.str(
            "APP_ENV", "development", validate=validate.OneOf(["development", "test", "staging", "production"])
        ),
        "app_version": env.str("APP_VERSION", "0.1.0"),
        "host": env.str("HOST", "127.0.0.1"),
        "port": env.int("PORT", 8000, validate=validate.Range(min=1, max=65535)),
        "api_processes": env.int("API_PROCESSES", 2, validate=at_least_one),
        "api_threads": env.int("API_THREADS", 4, validate=at_least_one),
        "pool_size": env.int("POOL_SIZE", 8, validate=at_least_one),
        "worker_concurrency": env.int("WORKER_CONCURRENCY", 2, validate=at_least_one),
        "heartbeat_s": env.float("HEARTBEAT_S", 5.0, validate=positive),
        "stalled_s": env.float("STALLED_S", 20.0, validate=positive),
        "stage_timeout_s": env.float("STAGE_TIMEOUT_S", 600.0, validate=positive),
        "upkeep_s": env.int("UPKEEP_S", 10, validate=validate.Range(min=1, max=59)),
        "shutdown_grace_s": env.float("SHUTDOWN_GRACE_S", 10.0, validate=positive),
        "retry_backoff_s": env.float("RETRY_BACKOFF_S", 5.0, validate=positive),
        "handlers": {stage: env.str(f"HANDLER_{stage.value}", path) for stage, path in HANDLERS.items()},
    }
    try:
        env.seal()
    except environs.EnvValidationError as error:
        raise BadSettings(dict(cast(Mapping[str, list[str]], error.error_messages))) from None
    if values["stalled_s"] <= values["heartbeat_s"]:
        raise BadSettings({"STALLED_S": ["Not longer than HEARTBEAT_S: every worker would count as dead."]})
    return Settings(**values)


def _url(*schemes: str, parse: Callable[[str], object]) -> Callable[[str], None]:
    """A check that the value is a URL of one of the schemes which its own library can parse."""
    pattern = re.compile(rf"({'|'.join(schemes)})://\S+")

    def check(value: str) -> None:
        try:
            good = bool(pattern.fullmatch(value) and parse(value))
        except (ValueError, psycopg.ProgrammingError):
            good = False
        if not good:
            raise ValidationError(f"Not a {schemes[0]}:// URL.")

    return check


def _parse_conninfo(url: str) -> dict[str, Any]:
    parts = conninfo_to_dict(url)
    for port in str(parts.get("port", "")).split(","):  # libpq looks at it when it connects
        int(port or 0)
    return parts


def _secret(value: str) -> None:
    if len(value.encode()) < MIN_SECRET_BYTES:
        raise ValidationError(f"Shorter than {MIN_SECRET_BYTES} bytes.")

"""The service's settings: read once from the environment, typed, frozen."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import environs
import psycopg
from marshmallow import ValidationError, validate
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

from app.generation.stages import Stage
from app.generation.webhooks.messages import read_key
from app.generation.webhooks.urls import AllowedHosts, parse_allowed_host

#: The release. The service runs from its checkout, and pyproject.toml is the one place that names it.
_PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
VERSION: str = _PROJECT["project"]["version"]

#: RFC 7518 §3.2: an HS256 key is at least as long as its hash.
MIN_SECRET_BYTES = 32

#: Where the shipped handler of each stage lives; `HANDLER_<STAGE>` replaces it.
HANDLERS = {stage: f"pipeline.{stage.value.lower()}.handle" for stage in Stage}
#: Where a token says its user's tier; the first claim present counts.
TIER_CLAIMS = ["app_metadata.tier", "user_metadata.tier"]

#: A stream holds a thread, which is cheap but not free.
MAX_STREAMS = 1000

#: Hosts whose traffic leaves no machine.
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)
# Compared with what a browser sends: in lower case, without a path, and without a port that is the scheme's own.
_ORIGIN = re.compile(
    r"(?!http://.*:80$|https://.*:443$)[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII
)


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
    database_pooler: str
    app_role: str
    redis_url: str
    redis_prefix: str
    jwt_secret: str | None
    jwt_jwks_url: str | None
    jwt_issuer: str | None
    jwt_audience: str
    tier_claims: tuple[str, ...]
    cors_origins: tuple[str, ...]
    global_concurrency_limit: int
    files_root: Path
    metrics_token: str | None
    metrics_dir: Path | None
    log_level: str
    app_env: str
    app_version: str
    host: str
    port: int
    api_processes: int
    api_threads: int
    sse_connections: int
    pool_size: int
    worker_concurrency: int
    heartbeat_s: float
    stalled_s: float
    stage_timeout_s: float
    upkeep_s: int
    shutdown_grace_s: float
    retry_backoff_s: float
    webhook_secret: str | None
    webhook_allowed_hosts: AllowedHosts
    webhook_concurrency: int
    handlers: Mapping[Stage, str]

    @property
    def database_pooled(self) -> bool:
        """Whether a pooler gives out sessions by the transaction, so that none is the service's own."""
        return self.database_pooler == "transaction"


def read_settings() -> Settings:
    """Every setting from the environment. Raises `BadSettings`, naming every bad variable at once."""
    env = environs.Env(eager=False)
    at_least_one = validate.Range(min=1)
    positive = validate.Range(min=0, min_inclusive=False)
    jwks_url = env.str("JWT_JWKS_URL", None, validate=_jwks_url) or None
    values: dict[str, Any] = {
        "database_url": env.str("DATABASE_URL", validate=_url("postgresql", "postgres", parse=_parse_conninfo)),
        "database_pooler": env.str("DATABASE_POOLER", "none", validate=validate.OneOf(["none", "transaction"])),
        "app_role": env.str("APP_ROLE", "coursegen_app", validate=validate.Regexp(r"[a-z_][a-z0-9_-]{0,62}\Z")),
        "redis_url": env.str("REDIS_URL", validate=_url("redis", "rediss", "unix", parse=parse_url)),
        "redis_prefix": env.str(
            "REDIS_PREFIX",
            "",
            validate=validate.Regexp(r"[A-Za-z0-9:._-]*\Z", error="Only letters, digits and : . _ -"),
        ),
        "jwt_secret": _read_secret(env, or_none=jwks_url is not None),
        "jwt_jwks_url": jwks_url,
        "jwt_issuer": env.str("JWT_ISSUER", None) or None,
        "jwt_audience": env.str("JWT_AUDIENCE", "authenticated", validate=validate.Length(min=1)),
        "tier_claims": _stripped(env.list("TIER_CLAIMS", TIER_CLAIMS)),
        "cors_origins": _stripped(env.list("CORS_ORIGINS", [], validate=_origins)),
        "global_concurrency_limit": env.int("GLOBAL_CONCURRENCY_LIMIT", 3, validate=at_least_one),
        "files_root": env.path("FILES_ROOT", Path("files")),
        "metrics_token": env.str("METRICS_TOKEN", None) or None,
        "metrics_dir": Path(folder) if (folder := env.str("PROMETHEUS_MULTIPROC_DIR", None)) else None,
        "log_level": env.str(
            "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
        ),
        "app_env": env.str(
            "APP_ENV", "development", validate=validate.OneOf(["development", "test", "staging", "production"])
        ),
        "app_version": env.str("APP_VERSION", "") or VERSION,
        "host": env.str("HOST", "127.0.0.1"),
        "port": env.int("PORT", 8000, validate=validate.Range(min=1, max=65535)),
        "api_processes": env.int("API_PROCESSES", 2, validate=at_least_one),
        "api_threads": env.int("API_THREADS", 8, validate=at_least_one),
        "sse_connections": env.int("SSE_CONNECTIONS", 100, validate=validate.Range(min=0, max=MAX_STREAMS)),
        "pool_size": env.int("POOL_SIZE", 8, validate=at_least_one),
        "worker_concurrency": env.int("WORKER_CONCURRENCY", 2, validate=at_least_one),
        "heartbeat_s": env.float("HEARTBEAT_S", 5.0, validate=positive),
        "stalled_s": env.float("STALLED_S", 20.0, validate=positive),
        "stage_timeout_s": env.float("STAGE_TIMEOUT_S", 600.0, validate=positive),
        "upkeep_s": env.int("UPKEEP_S", 10, validate=validate.Range(min=1, max=59)),
        "shutdown_grace_s": env.float("SHUTDOWN_GRACE_S", 10.0, validate=positive),
        "retry_backoff_s": env.float("RETRY_BACKOFF_S", 5.0, validate=positive),
        "webhook_secret": env.str("WEBHOOK_SECRET", None, validate=_webhook_secret) or None,
        "webhook_allowed_hosts": _allowed_hosts(env.list("WEBHOOK_ALLOWED_HOSTS", [], validate=_allowed_hosts)),
        "webhook_concurrency": env.int("WEBHOOK_CONCURRENCY", 4, validate=at_least_one),
        "handlers": {stage: env.str(f"HANDLER_{stage.value}", path) for stage, path in HANDLERS.items()},
    }
    try:
        env.seal()
    except environs.EnvValidationError as error:
        raise BadSettings(dict(cast(Mapping[str, list[str]], error.error_messages))) from None
    if values["stalled_s"] <= values["heartbeat_s"]:
        raise BadSettings({"STALLED_S": ["Not longer than HEARTBEAT_S: every worker would count as dead."]})
    if values["app_env"] == "production" and jwks_url and not _is_tamper_proof(jwks_url):
        raise BadSettings({"JWT_JWKS_URL": ["Keys that decide who is believed are fetched by https in production."]})
    return Settings(**values)


def _read_secret(env: environs.Env, *, or_none: bool) -> str | None:
    """The secret; None where there need not be one. `JWT_SECRET=` is none."""
    if or_none:
        return env.str("JWT_SECRET", None, validate=lambda value: _secret(value) if value else None) or None
    return env.str("JWT_SECRET", validate=_secret)


def _stripped(values: list[str] | None) -> tuple[str, ...]:
    return tuple(value.strip() for value in values or ())


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


def _origins(values: list[str]) -> None:
    if values != ["*"] and not all(_ORIGIN.fullmatch(value.strip()) for value in values):
        raise ValidationError("Neither * alone nor origins as browsers send them: https://app.example.org.")


def _jwks_url(value: str) -> None:
    try:
        url = urlsplit(value)
        good = url.scheme in ("http", "https") and bool(url.hostname) and "@" not in url.netloc and url.port != 0
        good = good and bool(_PRINTABLE.fullmatch(value))
    except ValueError:
        good = False
    if value and not good:
        raise ValidationError("Not an https:// or http:// URL without credentials.")


def _is_tamper_proof(url: str) -> bool:
    """Whether nobody on the way can change what is read there: encrypted, or within this host."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def _webhook_secret(value: str) -> None:
    try:
        if value:
            read_key(value)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def _allowed_hosts(values: list[str] | None) -> AllowedHosts:
    try:
        return frozenset(map(parse_allowed_host, values or ()))
    except ValueError as error:
        raise ValidationError("Not hosts as receiver.internal, receiver.internal:9000 or 127.0.0.1:*.") from error


def _secret(value: str) -> None:
    if len(value.encode()) < MIN_SECRET_BYTES:
        raise ValidationError(f"Shorter than {MIN_SECRET_BYTES} bytes.")

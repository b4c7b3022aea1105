"""The service's settings: read once from the environment, typed, frozen.

A setting is one field of `Settings`: its variable has the field's name in capitals.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import environs
import psycopg
from marshmallow import ValidationError, validate
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

from app.generation.stages import Stage
from app.generation.webhooks.signed_messages import read_key
from app.generation.webhooks.urls import AllowedHosts, parse_allowed_host

T = TypeVar("T")

#: The release. The service runs from its checkout, and pyproject.toml is the one place that names it.
_PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
VERSION: str = _PROJECT["project"]["version"]

#: RFC 7518 §3.2: an HS256 key is at least as long as its hash.
MIN_SECRET_BYTES = 32

#: Where the shipped handler of each stage lives; `HANDLER_<STAGE>` replaces it.
HANDLERS = {stage: f"pipeline.{stage.value.lower()}.handle" for stage in Stage}
#: Hosts whose traffic stays on this machine.
LOOPBACK = ("localhost", "127.0.0.1", "::1")

# As browsers send it: in lower case, without a path and without the scheme's default port.
_ORIGIN = r"(?!http://.*:80$|https://.*:443$)[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"


class BadSettings(Exception):
    """Variables of the environment are missing or invalid; `problems` maps each to its reasons."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        self.problems = dict(problems)
        lines = [f"  {name}: {' '.join(reasons)}" for name, reasons in sorted(self.problems.items())]
        super().__init__("\n".join(["The environment is not usable:", *lines]))


def _check(message: str | None = None) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Makes a parser a validator: what it rejects is a problem, described by the message or by the parser's own."""

    def decorate(parse: Callable[[Any], T]) -> Callable[[Any], T]:
        def check(value: Any) -> T:
            try:
                return parse(value)
            except (ValueError, psycopg.ProgrammingError) as error:
                raise ValidationError(message or str(error)) from None

        return check

    return decorate


@_check("Not a postgresql:// URL.")
def _database_url(url: str) -> None:
    _match(r"postgres(ql)?://\S+", url)
    for port in str(conninfo_to_dict(url).get("port", "")).split(","):  # libpq checks it only when it connects
        int(port or 0)


@_check("Not a redis:// URL.")
def _redis_url(url: str) -> None:
    _match(r"(rediss?|unix)://\S+", url)
    parse_url(url)  # type: ignore[no-untyped-call]


@_check("Not an https:// or http:// URL without credentials.")
def _jwks_url(url: str) -> None:
    _match(r"https?://[!-~]+", url)
    parts = urlsplit(url)
    if not parts.hostname or "@" in parts.netloc or parts.port == 0:
        raise ValueError(url)


@_check("Neither * alone nor origins as browsers send them: https://app.example.org.")
def _origins(values: list[str]) -> None:
    for value in values if values != ["*"] else []:
        _match(_ORIGIN, value.strip())


@_check("Not hosts like receiver.internal, receiver.internal:9000 or 127.0.0.1:*.")
def _allowed_hosts(values: list[str]) -> AllowedHosts:
    return frozenset(map(parse_allowed_host, values))


@_check(f"Shorter than {MIN_SECRET_BYTES} bytes.")
def _secret(value: str) -> None:
    if len(value.encode()) < MIN_SECRET_BYTES:
        raise ValueError


def _match(pattern: str, value: str) -> None:
    if not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError


def _strip(values: list[str]) -> tuple[str, ...]:
    return tuple(value.strip() for value in values)


def _setting(default: Any, *checks: Callable[[Any], object], convert: Callable[[Any], Any] | None = None) -> Any:
    """A field that `read_settings` reads. `...`: its variable must be set. None: it may also be empty, and is None."""
    return field(metadata={"default": default, "checks": checks, "convert": convert})


_AT_LEAST_ONE = validate.Range(min=1)
_POSITIVE = validate.Range(min=0, min_inclusive=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the service; times are in seconds. `docs/settings.md` explains each."""

    database_url: str = _setting(..., _database_url)
    database_pooler: str = _setting("none", validate.OneOf(["none", "transaction"]))
    app_role: str = _setting("coursegen_app", validate.Regexp(r"[a-z_][a-z0-9_-]{0,62}\Z"))
    redis_url: str = _setting(..., _redis_url)
    redis_prefix: str = _setting(
        "", validate.Regexp(r"[A-Za-z0-9:._-]*\Z", error="Only letters, digits and : . _ - are allowed.")
    )
    jwt_secret: str | None = _setting(None, _secret)
    jwt_jwks_url: str | None = _setting(None, _jwks_url)
    jwt_issuer: str | None = _setting(None)
    jwt_audience: str = _setting("authenticated", validate.Length(min=1))
    #: Where a token names its user's tier; the first claim present counts.
    tier_claims: tuple[str, ...] = _setting(["app_metadata.tier", "user_metadata.tier"], convert=_strip)
    cors_origins: tuple[str, ...] = _setting([], _origins, convert=_strip)
    global_concurrency_limit: int = _setting(3, _AT_LEAST_ONE)
    files_root: Path = _setting(Path("files"))  # noqa: RUF009
    metrics_token: str | None = _setting(None)
    prometheus_multiproc_dir: Path | None = _setting(None)  # noqa: RUF009
    log_level: str = _setting("INFO", validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]))
    app_env: str = _setting("development", validate.OneOf(["development", "test", "staging", "production"]))
    app_version: str = _setting(VERSION, convert=lambda value: value or VERSION)
    host: str = _setting("127.0.0.1")
    port: int = _setting(8000, validate.Range(min=1, max=65535))
    api_processes: int = _setting(2, _AT_LEAST_ONE)
    api_threads: int = _setting(8, _AT_LEAST_ONE)
    api_affinity: str = _setting("auto", validate.OneOf(["auto", "none"]))
    #: Bounded, since each stream costs a socket and a view.
    sse_connections: int = _setting(100, validate.Range(min=0, max=1000))
    sse_per_user: int = _setting(6, _AT_LEAST_ONE)
    keep_alive_s: int = _setting(75, validate.Range(min=1, max=3600))
    pool_size: int = _setting(8, _AT_LEAST_ONE)
    worker_concurrency: int = _setting(2, _AT_LEAST_ONE)
    heartbeat_s: float = _setting(5.0, _POSITIVE)
    stalled_s: float = _setting(20.0, _POSITIVE)
    stage_timeout_s: float = _setting(600.0, _POSITIVE)
    upkeep_s: int = _setting(10, validate.Range(min=1, max=59))
    shutdown_grace_s: float = _setting(10.0, _POSITIVE)
    retry_backoff_s: float = _setting(5.0, _POSITIVE)
    webhook_secret: str | None = _setting(None, _check()(read_key))
    webhook_allowed_hosts: AllowedHosts = _setting([], _allowed_hosts, convert=_allowed_hosts)  # noqa: RUF009
    webhook_concurrency: int = _setting(4, _AT_LEAST_ONE)
    #: Each stage's handler, from `HANDLER_<STAGE>`.
    handlers: Mapping[Stage, str] = field(kw_only=True)

    @property
    def database_pooled(self) -> bool:
        """Whether a pooler assigns database sessions per transaction, so that no session belongs to this service."""
        return self.database_pooler == "transaction"


#: How environs reads each type; it reads any other as text.
_READERS: dict[object, str] = {int: "int", float: "float", Path: "path", Path | None: "path"} | dict.fromkeys(
    (tuple[str, ...], AllowedHosts), "list"
)


def read_settings() -> Settings:
    """Every setting from the environment. Raises `BadSettings`, which names every bad variable at once."""
    env = environs.Env(eager=False)
    values = {setting.name: _read(env, setting) for setting in fields(Settings) if setting.metadata}
    values["handlers"] = {stage: env.str(f"HANDLER_{stage.value}", path) for stage, path in HANDLERS.items()}
    problems: dict[str, list[str]] = {}
    try:
        env.seal()
    except environs.EnvValidationError as error:
        problems = dict(cast(Mapping[str, list[str]], error.error_messages))
    if not (values["jwt_secret"] or values["jwt_jwks_url"]):
        problems.setdefault("JWT_SECRET", ["Not set, nor is JWT_JWKS_URL."])
    if not problems:
        problems = _compare(values)
    if problems:
        raise BadSettings(problems)
    return Settings(**values)


def _read(env: environs.Env, setting: "Field[Any]") -> Any:
    name, default, convert = setting.name.upper(), setting.metadata["default"], setting.metadata["convert"]
    if default is None and not os.environ.get(name):
        return None
    read = getattr(env, _READERS.get(setting.type, "str"))
    value = read(name, default, validate=list(setting.metadata["checks"]))
    return value if value is None or convert is None else convert(value)  # None: `env.seal` raises its problem


def _compare(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Problems of settings that are valid alone and not together."""
    problems = {}
    if values["stalled_s"] <= values["heartbeat_s"]:
        problems["STALLED_S"] = ["Not longer than HEARTBEAT_S: every worker would count as dead."]
    keys = urlsplit(values["jwt_jwks_url"] or "")
    if values["app_env"] == "production" and keys.scheme == "http" and keys.hostname not in LOOPBACK:
        problems["JWT_JWKS_URL"] = ["In production, keys must be fetched by https."]
    return problems

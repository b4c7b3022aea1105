"""The service's settings: read once from the environment, typed, frozen.

A setting is one field of `Settings`: its variable has the field's name in capitals.
"""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import environs
from marshmallow import validate

from app.generation.callers import PER_MINUTE
from app.generation.stages import Stage, StageRules
from app.generation.tiers import Tier, parse_aliases
from app.generation.webhooks.signing_keys import read_secret, read_signing_key
from app.generation.webhooks.urls import AllowedHosts, parse_trusted_url
from app.settings import checks
from app.settings.stages import Budget, StageLimits, limit_stage, read_stage_settings
from app.settings.weak_secrets import is_weak

#: The release. The service runs from its checkout, and pyproject.toml is the one place that names it.
_PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
VERSION: str = _PROJECT["project"]["version"]

#: The settings that sign or open something. Production needs random ones.
SECRETS = (
    "jwt_secret",
    "jwt_secret_old",
    "metrics_token",
    "webhook_secret",
    "webhook_secret_old",
    "webhook_signing_key",
)
#: The settings that nobody is shown. The URL of a chat is its key.
HIDDEN = (*SECRETS, "alert_webhook_url")
#: Hosts whose traffic stays on this machine.
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class BadSettings(Exception):
    """Variables of the environment are missing or invalid; `problems` maps each to its reasons."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        self.problems = dict(problems)
        lines = [f"  {name}: {' '.join(reasons)}" for name, reasons in sorted(self.problems.items())]
        super().__init__("\n".join(["The environment is not usable:", *lines]))


def _strip(values: list[str]) -> tuple[str, ...]:
    return tuple(value.strip() for value in values)


def _split(value: str) -> tuple[str, ...]:
    return tuple(value.split())


def _setting(default: Any, *validators: Callable[[Any], object], convert: Callable[[Any], Any] | None = None) -> Any:
    """A field that `read_settings` reads. `...`: its variable must be set. None: it may also be empty, and is None."""
    return field(metadata={"default": default, "checks": validators, "convert": convert})


_AT_LEAST_ONE = validate.Range(min=1)
_POSITIVE = validate.Range(min=0, min_inclusive=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the service; times are in seconds. `docs/settings.md` explains each."""

    database_url: str = _setting(..., checks.database_url)
    database_pooler: str = _setting("none", validate.OneOf(["none", "transaction"]))
    app_role: str = _setting("coursegen_app", validate.Regexp(r"[a-z_][a-z0-9_-]{0,62}\Z"))
    redis_url: str = _setting(..., checks.redis_url)
    redis_prefix: str = _setting(
        "", validate.Regexp(r"[A-Za-z0-9:._-]*\Z", error="Only letters, digits and : . _ - are allowed.")
    )
    jwt_secret: str | None = _setting(None, checks.secret)
    #: Earlier secrets, during a rotation.
    jwt_secret_old: Sequence[str] = _setting("", checks.each(checks.secret), convert=_split)
    jwt_jwks_url: str | None = _setting(None, checks.jwks_url)
    jwt_issuer: str | None = _setting(None)
    jwt_audience: str = _setting("authenticated", validate.Length(min=1))
    #: Where a token names its user's tier; the first claim present counts.
    tier_claims: tuple[str, ...] = _setting(["app_metadata.tier", "user_metadata.tier"], convert=_strip)
    #: Names of tiers that differ from ours, and whether tokens or the platform's database name them.
    tier_aliases: Mapping[str, Tier] = _setting(
        ["basic_plus=BASIC"], checks.check()(parse_aliases), convert=parse_aliases
    )
    tier_source: str = _setting("token", validate.OneOf(["token", "database"]))
    #: Where a token names its user's role and organisation: the first admin's role, the first organisation.
    role_claims: tuple[str, ...] = _setting(["app_metadata.role", "role"], checks.protected_claims, convert=_strip)
    organization_claims: tuple[str, ...] = _setting(
        ["app_metadata.organization_id", "organization_id"], checks.protected_claims, convert=_strip
    )
    #: Whether the service that this one replaces serves the same courses meanwhile.
    old_stack: str = _setting("none", validate.OneOf(["none", "beside"]))
    starts_and_cancels_per_minute: int = _setting(PER_MINUTE, _AT_LEAST_ONE)
    cors_origins: tuple[str, ...] = _setting([], checks.origins, convert=_strip)
    #: None: dynamic, between the next two.
    global_concurrency_limit: int | None = _setting("3", checks.limit, convert=checks.limit)
    #: What operators may set in its place; see `limit_bounds`.
    global_concurrency_limit_min: int = _setting(3, _AT_LEAST_ONE)
    global_concurrency_limit_max: int = _setting(10, _AT_LEAST_ONE)
    files_root: Path = _setting(Path("files"))  # noqa: RUF009
    metrics_token: str | None = _setting(None)
    log_level: str = _setting("INFO", validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]))
    app_env: str = _setting("development", validate.OneOf(["development", "test", "staging", "production"]))
    app_version: str = _setting(VERSION, convert=lambda value: value or VERSION)
    host: str = _setting("127.0.0.1")
    port: int = _setting(8000, validate.Range(min=1, max=65535))
    console_host: str = _setting("127.0.0.1")
    console_port: int = _setting(8001, validate.Range(min=1, max=65535))
    #: Where a token names its user's role at the console; the first claim present counts.
    console_role_claims: tuple[str, ...] = _setting(
        ["app_metadata.console_role"], checks.protected_claims, convert=_strip
    )
    api_processes: int = _setting(2, _AT_LEAST_ONE)
    api_threads: int = _setting(8, _AT_LEAST_ONE)
    api_affinity: str = _setting("auto", validate.OneOf(["auto", "none"]))
    #: Bounded, since each stream costs a socket and a view.
    sse_connections: int = _setting(100, validate.Range(min=0, max=1000))
    sse_per_user: int = _setting(6, _AT_LEAST_ONE)
    keep_alive_s: int = _setting(75, validate.Range(min=1, max=3600))
    pool_size: int = _setting(8, _AT_LEAST_ONE)
    #: As many as may be active, so that one worker has a place for each.
    worker_concurrency: int = _setting(3, _AT_LEAST_ONE)
    heartbeat_s: float = _setting(5.0, _POSITIVE)
    #: A worker asks the queue every second.
    stalled_s: float = _setting(20.0, validate.Range(min=2))
    stage_timeout_s: float = _setting(600.0, _POSITIVE)
    upkeep_s: int = _setting(10, validate.Range(min=1, max=59))
    shutdown_grace_s: float = _setting(10.0, _POSITIVE)
    retry_backoff_s: float = _setting(5.0, _POSITIVE)
    #: How long a generation waits before it moves up a tier; 0 for ever.
    priority_aging_s: float = _setting(0.0, validate.Range(min=0))
    webhook_secret: str | None = _setting(None, checks.check()(read_secret))
    #: Earlier secrets, during a rotation.
    webhook_secret_old: Sequence[str] = _setting("", checks.each(checks.check()(read_secret)), convert=_split)
    webhook_signing_key: str | None = _setting(None, checks.check()(read_signing_key))
    webhook_allowed_hosts: AllowedHosts = _setting([], checks.allowed_hosts, convert=checks.allowed_hosts)  # noqa: RUF009
    alert_webhook_url: str | None = _setting(None, checks.check()(parse_trusted_url))
    #: Whether spans are recorded. OpenTelemetry's packages read the variable, and others of theirs, themselves.
    otel_exporter_otlp_endpoint: str | None = _setting(None, checks.jwks_url)
    webhook_concurrency: int = _setting(4, _AT_LEAST_ONE)
    #: Each stage's handler, from `HANDLER_<STAGE>`.
    handlers: Mapping[Stage, str] = field(kw_only=True)
    #: The variables of the environment that each stage's handler gets, from `HANDLER_<STAGE>_ENV`.
    handler_variables: Mapping[Stage, tuple[str, ...]] = field(kw_only=True)
    #: Each stage's own limits, by the fields of `StageLimits`, from `STAGE_<STAGE>_TIMEOUT_S` and others.
    stage_limits: Mapping[Stage, Mapping[str, float | None]] = field(kw_only=True)
    #: Each stage's own rules, by the fields of `StageRules`, from `STAGE_<STAGE>_STARTS` and others.
    stage_rules: Mapping[Stage, Mapping[str, Any]] = field(kw_only=True)
    #: From `BUDGET_CALLS`, `BUDGET_TOKENS` and `BUDGET_MONEY`.
    budget: Budget = field(kw_only=True)

    @property
    def database_pooled(self) -> bool:
        """Whether a pooler assigns database sessions per transaction, so that no session belongs to this service."""
        return self.database_pooler == "transaction"

    @property
    def limit_bounds(self) -> tuple[int, int]:
        """The lowest and the highest limit that upkeep or an operator may set; the environment's own is always one."""
        lowest, highest = self.global_concurrency_limit_min, self.global_concurrency_limit_max
        limit = self.global_concurrency_limit
        return (lowest, highest) if limit is None else (min(lowest, limit), max(highest, limit))

    def limits_of(self, stage: Stage) -> StageLimits:
        """The limits of the stage's handler."""
        return limit_stage(stage, self.stage_timeout_s, self.stage_limits[stage])

    @property
    def rules(self) -> Mapping[Stage, StageRules]:
        """The rules of each stage."""
        return {stage: StageRules(**{"backoff_s": self.retry_backoff_s, **self.stage_rules[stage]}) for stage in Stage}


#: How environs reads each type; it reads any other as text.
_READERS: dict[object, str] = {int: "int", float: "float", Path: "path"}
_READERS |= dict.fromkeys((tuple[str, ...], AllowedHosts, Mapping[str, Tier]), "list")


def read_settings() -> Settings:
    """Every setting from the environment. Raises `BadSettings`, which names every bad variable at once."""
    env = environs.Env(eager=False)
    values = {setting.name: _read(env, setting) for setting in fields(Settings) if setting.metadata}
    values |= read_stage_settings(env)
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
    if values["stalled_s"] < 2 * values["heartbeat_s"]:
        problems["STALLED_S"] = [
            "Shorter than twice HEARTBEAT_S: a worker would count as dead after one late heartbeat."
        ]
    if values["global_concurrency_limit_min"] > values["global_concurrency_limit_max"]:
        problems["GLOBAL_CONCURRENCY_LIMIT_MIN"] = ["Larger than GLOBAL_CONCURRENCY_LIMIT_MAX."]
    keys = urlsplit(values["jwt_jwks_url"] or "")
    if values["app_env"] == "production" and keys.scheme == "http" and keys.hostname not in LOOPBACK:
        problems["JWT_JWKS_URL"] = ["In production, keys must be fetched by https."]
    if set(values["console_role_claims"]) & set(values["role_claims"]):
        problems["CONSOLE_ROLE_CLAIMS"] = ["Names a claim of ROLE_CLAIMS: an organisation's admin is not an operator."]
    if values["old_stack"] == "beside" and not values["redis_prefix"]:
        problems["REDIS_PREFIX"] = [
            "Not set. OLD_STACK=beside needs it, since the old stack's keys have the same names."
        ]
    return problems | (_weak_secrets(values) if values["app_env"] == "production" else {})


def _weak_secrets(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Problems of secrets that somebody else may know."""
    advice = "In production it must be random, for instance of `openssl rand -base64 32`."
    given = {name: [value] if isinstance(value := values[name], str) else value or [] for name in SECRETS}
    return {name.upper(): [advice] for name, found in given.items() if any(map(is_weak, found))}

"""What the environment may say, and what is said of it when it is wrong."""

import os
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path
from unittest import mock

import pytest

from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.settings import BadSettings, Settings, read_settings

SECRET = "g7Kq2Zt9Xw4Lr8Vn5Bc1Md6Hs3Jf0PyA"
WEBHOOK_SECRET = "whsec_r6QvX0o1n9Jt2mK8wYcE5uLsB3dPzHfA4gTq7iRkNxU="
REQUIRED = {
    "DATABASE_URL": "postgresql://user:password@localhost:5432/courses",
    "REDIS_URL": "redis://localhost:6379/0",
    "JWT_SECRET": SECRET,
}


def read(**environment: str) -> Settings:
    return read_from({**REQUIRED, **environment})


def read_from(environment: Mapping[str, str]) -> Settings:
    with mock.patch.dict(os.environ, environment, clear=True):
        return read_settings()


def problems(**environment: str) -> dict[str, list[str]]:
    with pytest.raises(BadSettings) as caught:
        read(**environment)
    return caught.value.problems


def test_three_variables_are_enough() -> None:
    settings = read()
    assert settings.database_url == REQUIRED["DATABASE_URL"]
    assert settings.redis_url == REQUIRED["REDIS_URL"]
    assert settings.jwt_secret == SECRET


def test_the_rest_has_defaults() -> None:
    settings = read()
    assert settings.jwt_issuer is None
    assert settings.jwt_audience == "authenticated"
    assert settings.tier_claims == ("app_metadata.tier", "user_metadata.tier")
    assert settings.global_concurrency_limit == 3
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.log_level, settings.app_env) == ("INFO", "development")
    assert settings.stalled_s > settings.heartbeat_s > 0
    assert settings.files_root == Path("files")
    assert settings.handlers == {stage: f"pipeline.{stage.value.lower()}.handle" for stage in Stage}


def test_the_version_is_that_of_the_project() -> None:
    project = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{read().app_version}"\n' in project


def test_every_variable_is_read() -> None:
    settings = read(
        JWT_ISSUER="https://auth.example",
        JWT_AUDIENCE="users",
        TIER_CLAIMS="app_metadata.tier",
        GLOBAL_CONCURRENCY_LIMIT="7",
        PORT="9000",
        HOST="0.0.0.0",
        LOG_LEVEL="DEBUG",
        APP_ENV="production",
        APP_VERSION="1.2.3",
        FILES_ROOT="/srv/files",
        STAGE_TIMEOUT_S="0.5",
        SSE_CONNECTIONS="0",
        METRICS_TOKEN="T9fJq3xWv7Lm2Rk8",
        HANDLER_FINALIZATION="plugins.finish.handle",
    )
    assert settings.jwt_issuer == "https://auth.example"
    assert settings.jwt_audience == "users"
    assert settings.tier_claims == ("app_metadata.tier",)
    assert settings.global_concurrency_limit == 7
    assert (settings.host, settings.port) == ("0.0.0.0", 9000)
    assert (settings.log_level, settings.app_env, settings.app_version) == ("DEBUG", "production", "1.2.3")
    assert settings.files_root == Path("/srv/files")
    assert settings.stage_timeout_s == 0.5
    assert (settings.sse_connections, settings.metrics_token) == (0, "T9fJq3xWv7Lm2Rk8")
    assert settings.handlers[Stage.FINALIZATION] == "plugins.finish.handle"
    assert settings.handlers[Stage.TEXT_GENERATION] == "pipeline.text_generation.handle"


def test_empty_means_unset_where_there_need_not_be_one() -> None:
    settings = read(METRICS_TOKEN="", APP_VERSION="")
    assert settings.metrics_token is None
    assert settings.app_version == read().app_version


def test_tier_claims_may_be_spaced() -> None:
    assert read(TIER_CLAIMS=" plan , app_metadata.tier ").tier_claims == ("plan", "app_metadata.tier")


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        ("https://app.example.org", ("https://app.example.org",)),
        (" http://localhost:3000 , http://[::1]:5173", ("http://localhost:3000", "http://[::1]:5173")),
        ("https://xn--e1afmkfd.xn--p1ai:8443", ("https://xn--e1afmkfd.xn--p1ai:8443",)),
    ],
)
def test_origins_are_those_browsers_send(value: str, origins: tuple[str, ...]) -> None:
    assert read(CORS_ORIGINS=value).cors_origins == origins


def test_no_page_may_call_unless_it_is_said() -> None:
    assert read().cors_origins == ()


def test_webhooks_need_a_secret_and_may_have_hosts_of_their_own() -> None:
    settings = read()
    assert (settings.webhook_secret, settings.webhook_allowed_hosts) == (None, frozenset())
    assert read(WEBHOOK_SECRET="").webhook_secret is None
    assert read(WEBHOOK_SECRET=WEBHOOK_SECRET).webhook_secret == WEBHOOK_SECRET
    plain = "secret of an older service"
    assert read(WEBHOOK_SECRET=plain).webhook_secret == plain
    hosts = read(WEBHOOK_ALLOWED_HOSTS=" N8N.internal , n8n.internal:5678,[0::1]:*,10.0.0.5").webhook_allowed_hosts
    assert hosts == {"n8n.internal", "n8n.internal:5678", "[::1]:*", "10.0.0.5"}


def test_earlier_webhook_secrets_are_separated_by_blanks() -> None:
    assert read().webhook_secret_old == read(WEBHOOK_SECRET_OLD=" ").webhook_secret_old == ()
    older = "secret-of-an-older-service"
    assert read(WEBHOOK_SECRET_OLD=f" {WEBHOOK_SECRET}  {older}\n").webhook_secret_old == (WEBHOOK_SECRET, older)


@pytest.mark.parametrize("weak", ["a" * 40, " " * 40, f"whsec_{'A' * 44}"])
def test_in_production_a_webhook_secret_has_more_than_one_character(weak: str) -> None:
    assert read(WEBHOOK_SECRET=weak).webhook_secret == weak
    assert list(problems(WEBHOOK_SECRET=weak, APP_ENV="production")) == ["WEBHOOK_SECRET"]
    if weak.strip():
        assert list(problems(WEBHOOK_SECRET_OLD=weak, APP_ENV="production")) == ["WEBHOOK_SECRET_OLD"]


def test_sessions_are_the_services_own_unless_a_pooler_gives_them_out() -> None:
    assert not read().database_pooled
    assert read(DATABASE_POOLER="transaction").database_pooled


def test_an_empty_issuer_is_none() -> None:
    assert read(JWT_ISSUER="").jwt_issuer is None


def test_nothing_of_it_can_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        read().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_from({key: value for key, value in REQUIRED.items() if key != name})
    assert list(caught.value.problems) == [name]
    assert name in str(caught.value)


BAD = {
    "DATABASE_URL": ["", " ", "localhost", "mysql://localhost/x", "postgresql://", "postgresql://host:port/x"],
    "ROLE_CLAIMS": ["user_metadata.role", "app_metadata.role, user_metadata.role", "raw_user_meta_data.role"],
    "ORGANIZATION_CLAIMS": ["user_metadata.organization_id"],
    "STARTS_AND_CANCELS_PER_MINUTE": ["0", "-1", "many"],
    "JWT_SECRET_OLD": ["short", f"{SECRET} short"],
    "DATABASE_POOLER": ["", "session"],
    "REDIS_PREFIX": ["a b", "*", "a\n", "ключ:"],
    "REDIS_URL": ["", "localhost:6379", "http://localhost", "redis://localhost:port/0", "redis://localhost?no_such=1"],
    "JWT_SECRET": ["", "short", "s" * 31],
    "JWT_JWKS_URL": [
        " ",
        "auth.example/jwks",
        "ftp://auth.example/jwks",
        "file:///etc/passwd",
        "https://",
        "https:///jwks",
        "https://user:password@auth.example/jwks",
        "https://auth.example:port/",
        "https://auth.example:99999/",
        "https://auth.example/a b",
        "https://auth.example/\n",
        "https://пример.рф/",
        "https://[::1",
    ],
    "JWT_AUDIENCE": [""],
    "CORS_ORIGINS": [
        "javascript://x",
        "capacitor://localhost",
        "file://x",
        "https://app.example.org,ws://app.example.org",
        "https://app.example.org/",
        "https://app.example.org,",
        "app.example.org",
        "HTTPS://APP.EXAMPLE.ORG",
        "null",
        "https://app.example.org:443",
        "http://app.example.org:80",
        "*,https://app.example.org",
        "https://*.example.org",
        "https://app.example.org/courses",
        "https://",
        "https://user@app.example.org",
        "https://пример.рф",
    ],
    "GLOBAL_CONCURRENCY_LIMIT": ["0", "-1", "three", "", "1.5", "inf"],
    "PORT": ["0", "65536", "http", "-1"],
    "LOG_LEVEL": ["LOUD", "", "info "],
    "APP_ENV": ["prod", ""],
    "API_PROCESSES": ["0", "x"],
    "API_THREADS": ["0"],
    "API_AFFINITY": ["all"],
    "SSE_CONNECTIONS": ["-1", "1001", "many"],
    "SSE_PER_USER": ["0", "-1", "few"],
    "KEEP_ALIVE_S": ["0", "3601", "long"],
    "POOL_SIZE": ["0", "-3"],
    "WORKER_CONCURRENCY": ["0", "many"],
    "HEARTBEAT_S": ["0", "-1", "nan", "inf", "soon"],
    "STALLED_S": ["0"],
    "STAGE_TIMEOUT_S": ["0", "-0.1"],
    "UPKEEP_S": ["0", "60", "1.5"],
    "SHUTDOWN_GRACE_S": ["0"],
    "RETRY_BACKOFF_S": ["-5"],
    "WEBHOOK_SECRET": [" ", "whsec_", "secret", "whsec_c2hvcnQ=", f"whsec_{'x' * 41}", "whsec_пароль"],
    "WEBHOOK_SECRET_OLD": ["secret", f"{WEBHOOK_SECRET} secret", f"{WEBHOOK_SECRET},"],
    "WEBHOOK_SIGNING_KEY": [" ", "whsk_", WEBHOOK_SECRET, "whsk_c2hvcnQ=", f"whsk_{'A' * 42}"],
    "WEBHOOK_ALLOWED_HOSTS": [" ", "http://a.org", "a.org/hook", "10.0.0.0/8", "a.org,", "a.org:0", "::1", "*"],
    "WEBHOOK_CONCURRENCY": ["0", "some"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    assert list(problems(**{name: value})) == [name]


def test_every_bad_variable_is_named_at_once() -> None:
    bad = {name: values[0] for name, values in BAD.items()}
    found = problems(**bad)
    assert found.keys() == bad.keys()
    with pytest.raises(BadSettings) as caught:
        read(**bad)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(bad) + 1
    assert all(name in line for name, line in zip(sorted(bad), lines[1:], strict=True))


def test_no_value_is_repeated_in_the_message() -> None:
    with pytest.raises(BadSettings) as caught:
        read(
            DATABASE_URL="postgresql://user:hunter2@host:hunter2/x",
            REDIS_URL="redis://:hunter2@host:hunter2",
            JWT_SECRET="hunter2",
        )
    assert len(caught.value.problems) == 3
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://abc.supabase.co/auth/v1/.well-known/jwks.json",
        "https://auth.example:8443/keys?apikey=abc",
        "http://auth:9999/.well-known/jwks.json",
    ],
)
def test_a_secret_or_the_keys_of_an_endpoint_are_enough(url: str) -> None:
    both = read(JWT_JWKS_URL=url)
    assert (both.jwt_secret, both.jwt_jwks_url) == (SECRET, url)
    for environment in ({}, {"JWT_SECRET": ""}):
        rest = {name: value for name, value in REQUIRED.items() if name != "JWT_SECRET"}
        alone = read_from({**rest, **environment, "JWT_JWKS_URL": url})
        assert (alone.jwt_secret, alone.jwt_jwks_url) == (None, url)


def test_a_secret_is_long_enough_also_beside_an_endpoint() -> None:
    assert list(problems(JWT_JWKS_URL="https://auth.example/jwks", JWT_SECRET="s" * 31)) == ["JWT_SECRET"]


def test_no_endpoint_is_the_default() -> None:
    assert read().jwt_jwks_url is None
    assert read(JWT_JWKS_URL="").jwt_jwks_url is None


def test_keys_come_over_a_wire_that_nobody_can_change_where_it_matters() -> None:
    plain = "http://auth.example/jwks.json"
    assert list(problems(JWT_JWKS_URL=plain, APP_ENV="production")) == ["JWT_JWKS_URL"]
    for url in ("https://auth.example/jwks", "http://localhost:9999/jwks", "http://127.0.0.1/", "http://[::1]:1/"):
        assert read(JWT_JWKS_URL=url, APP_ENV="production").jwt_jwks_url == url
    assert read(JWT_JWKS_URL=plain, APP_ENV="staging").jwt_jwks_url == plain


def test_a_secret_is_measured_in_bytes() -> None:
    assert read(JWT_SECRET="я" * 16).jwt_secret == "я" * 16
    assert list(problems(JWT_SECRET="я" * 15)) == ["JWT_SECRET"]


@pytest.mark.parametrize("url", ["postgres://localhost/x", "postgresql:///x?host=/tmp", "postgresql://u:p%40@[::1]/x"])
def test_the_usual_urls_of_a_database_are_good(url: str) -> None:
    assert read(DATABASE_URL=url).database_url == url


@pytest.mark.parametrize("url", ["rediss://user:p@host:6380/1", "unix:///run/redis.sock?db=1", "redis://localhost"])
def test_the_usual_urls_of_redis_are_good(url: str) -> None:
    assert read(REDIS_URL=url).redis_url == url


def test_a_worker_that_would_count_as_dead_between_two_heartbeats_is_refused() -> None:
    assert list(problems(HEARTBEAT_S="20", STALLED_S="20")) == ["STALLED_S"]


def test_tiers_may_have_other_names() -> None:
    assert read().tier_aliases == {"basic_plus": Tier.BASIC}
    assert read(TIER_ALIASES="gold=PREMIUM, start = FREE").tier_aliases == {"gold": Tier.PREMIUM, "start": Tier.FREE}


@pytest.mark.parametrize("aliases", ["gold", "gold=GOLD", "=FREE", "gold=premium"])
def test_an_alias_of_no_tier_is_a_problem(aliases: str) -> None:
    assert list(problems(TIER_ALIASES=aliases)) == ["TIER_ALIASES"]

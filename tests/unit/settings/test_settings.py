"""What the environment may say, and what holds where it says nothing."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from app.generation.stages import Stage
from app.generation.tiers import Tier
from tests.unit.settings.environment import REQUIRED, SECRET, WEBHOOK_SECRET, problems, read, read_from


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
    project = (Path(__file__).resolve().parents[3] / "pyproject.toml").read_text(encoding="utf-8")
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


def test_beside_the_old_stack_redis_keys_need_a_prefix() -> None:
    assert list(problems(OLD_STACK="beside")) == ["REDIS_PREFIX"]
    assert read(OLD_STACK="beside", REDIS_PREFIX="coursegen:").old_stack == "beside"


def test_tiers_may_have_other_names() -> None:
    assert read().tier_aliases == {"basic_plus": Tier.BASIC}
    assert read(TIER_ALIASES="gold=PREMIUM, start = FREE").tier_aliases == {"gold": Tier.PREMIUM, "start": Tier.FREE}


@pytest.mark.parametrize("aliases", ["gold", "gold=GOLD", "=FREE", "gold=premium"])
def test_an_alias_of_no_tier_is_a_problem(aliases: str) -> None:
    assert list(problems(TIER_ALIASES=aliases)) == ["TIER_ALIASES"]

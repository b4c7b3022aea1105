"""What the environment may say, and what is said of it when it is wrong."""

import os
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path
from unittest import mock

import pytest

from app.generation.stages import Stage
from app.settings import BadSettings, Settings, read_settings

SECRET = "s" * 32
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
    assert settings.handlers[Stage.FINALIZATION] == "plugins.finish.handle"
    assert settings.handlers[Stage.TEXT_GENERATION] == "pipeline.text_generation.handle"


def test_tier_claims_may_be_spaced() -> None:
    assert read(TIER_CLAIMS=" plan , app_metadata.tier ").tier_claims == ("plan", "app_metadata.tier")


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
    "REDIS_URL": ["", "localhost:6379", "http://localhost", "redis://localhost:port/0"],
    "JWT_SECRET": ["", "short", "s" * 31],
    "JWT_AUDIENCE": [""],
    "GLOBAL_CONCURRENCY_LIMIT": ["0", "-1", "three", "", "1.5", "inf"],
    "PORT": ["0", "65536", "http", "-1"],
    "LOG_LEVEL": ["LOUD", "", "info "],
    "APP_ENV": ["prod", ""],
    "API_PROCESSES": ["0", "x"],
    "API_THREADS": ["0"],
    "POOL_SIZE": ["0", "-3"],
    "WORKER_CONCURRENCY": ["0", "many"],
    "HEARTBEAT_S": ["0", "-1", "nan", "inf", "soon"],
    "STALLED_S": ["0"],
    "STAGE_TIMEOUT_S": ["0", "-0.1"],
    "UPKEEP_S": ["0", "60", "1.5"],
    "SHUTDOWN_GRACE_S": ["0"],
    "RETRY_BACKOFF_S": ["-5"],
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

"""Settings that are missing or bad: each is named, all at once, and no value is repeated."""

import pytest

from app.settings import BadSettings
from tests.unit.settings.environment import REQUIRED, SECRET, WEBHOOK_SECRET, problems, read, read_from


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_from({key: value for key, value in REQUIRED.items() if key != name})
    assert list(caught.value.problems) == [name]
    assert name in str(caught.value)


BAD = {
    "DATABASE_URL": ["", " ", "localhost", "mysql://localhost/x", "postgresql://", "postgresql://host:port/x"],
    "ROLE_CLAIMS": ["user_metadata.role", "app_metadata.role, user_metadata.role", "raw_user_meta_data.role"],
    "CONSOLE_ROLE_CLAIMS": ["user_metadata.console_role", "app_metadata.role", "app_metadata.console_role, role"],
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

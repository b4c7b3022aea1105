"""Secrets: which stop a start, how they are rotated, and that no message of the settings repeats one."""

import base64
import re
import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.auth.authenticator import Authenticator
from app.auth.tokens import Keyring
from app.settings import SECRETS, BadSettings, Settings
from app.settings.weak_secrets import is_weak
from tests.tokens import make_claims, sign
from tests.unit.settings.environment import REQUIRED, read

ROOT = Path(__file__).resolve().parents[3]
MARKER = "S3cr3tMark"
OLD, OLDER = "Qd5Zk1Vw8Yt3Nc6Rj9Lb2Xs7Gm4Hp0Fa", "b8Tn3Wq6Jx1Kf9Mv4Zc7Rd2Ly5Ph0Gs#"


def webhook_secret(key: bytes) -> str:
    return f"whsec_{base64.b64encode(key).decode()}"


WEAK = {
    "JWT_SECRET": [
        " " * 32,
        "\t" * 40,
        "a" * 32,
        "a" * 31 + "b",
        "0" * 64,
        "ab" * 16,
        "12345678901234567890123456789012",
        "abcdefghijklmnopqrstuvwxyz012345",
        "mysecretmysecretmysecretmysecret",
        "changeme-changeme-please-please-x",
        "changemeT9fJq3xWv7Lm2Rk8Zb5Nc1Yd",
        "CHANGE_ME_BEFORE_PRODUCTION_OR_ELSE",
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "your-super-secret-jwt-token-with-at-least-32-characters-long",
        "your-256-bit-secret-your-256-bit-secret!",
        "я" * 16,
        "a-string-secret-at-least-256-bits-long",  # of jwt.io
        "this-is-a-secret-key-for-jwt-of-32-chars",
        "topsecret-topsecret-topsecret-top",
        "qwertyuiopasdfghjklzxcvbnm123456",
    ],
    "METRICS_TOKEN": ["a", "let-me-in", " " * 20, "a" * 40, "changeme", "0123456789abcdef"],
    "WEBHOOK_SECRET": [
        webhook_secret(bytes(32)),
        webhook_secret(b"\xff" * 24),
        webhook_secret(bytes(range(32))),
        webhook_secret(b"changeme" * 4),
        webhook_secret(b"ab" * 16),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",  # of Standard Webhooks
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    ],
    "WEBHOOK_SIGNING_KEY": [
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
    ],
}
WEAK |= {
    f"{name}_OLD": [f"{REQUIRED[name]} {WEAK[name][2]}" if name in REQUIRED else WEAK[name][0]]
    for name in ("JWT_SECRET", "WEBHOOK_SECRET")
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WEAK.items() for value in values])
def test_a_secret_that_others_may_know_stops_a_production_start_with_a_sentence(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read(**{name: value, "APP_ENV": "production"})
    assert list(caught.value.problems) == [name]
    assert str(caught.value).splitlines()[1:] == [
        f"  {name}: In production it must be random, for instance of `openssl rand -base64 32`."
    ]
    assert len(value) < 3 or value not in str(caught.value)
    read(**{name: value, "APP_ENV": "development"})


@pytest.mark.parametrize(
    "make", [secrets.token_hex, secrets.token_urlsafe, lambda size: secrets.token_bytes(size).hex("-")]
)
def test_a_random_secret_starts(make: object) -> None:
    for _ in range(200):
        secret = make(32)  # type: ignore[operator]
        assert not is_weak(secret)
    assert not is_weak(secrets.token_hex(16))
    for _ in range(200):
        assert not is_weak(webhook_secret(secrets.token_bytes(24)))
    settings = read(APP_ENV="production", JWT_SECRET=secret, JWT_SECRET_OLD=f"{OLD}  {OLDER} ")
    assert settings.jwt_secret_old == (OLD, OLDER)


def test_every_secret_of_the_settings_is_looked_at() -> None:
    named = {name for name in Settings.__slots__ if re.search(r"secret|token|password|key", name)}
    assert named == set(SECRETS)


def test_no_value_that_ships_with_the_source_would_start() -> None:
    """Examples are the first thing that an attacker tries."""
    shipped = [ROOT / name for name in (".env.example", "compose.yaml", "README.md", "Makefile")]
    shipped += [
        file for folder in ("docs", "deploy", "examples") for file in (ROOT / folder).rglob("*") if file.is_file()
    ]
    names = "JWT_SECRET|JWT_SECRET_OLD|WEBHOOK_SECRET|WEBHOOK_SECRET_OLD|METRICS_TOKEN"
    for file in shipped:
        text = file.read_text(encoding="utf-8", errors="replace")
        for value in re.findall(rf"\b(?:{names})[=:][ \"']*([\w+/=!-]+)", text):
            assert is_weak(value), (file, value)


def test_tokens_of_an_earlier_secret_are_good_until_it_is_removed() -> None:
    user = UUID(int=1)
    config = {
        "JWT_DECODE_ALGORITHMS": ["HS256"],
        "JWT_DECODE_AUDIENCE": "authenticated",
        "JWT_DECODE_ISSUER": None,
        "JWT_DECODE_LEEWAY": 0,
        "JWT_IDENTITY_CLAIM": "sub",
    }

    def identify(settings: Settings, secret: str, **claims: Any) -> UUID:
        token = sign(make_claims(user, **claims), secret)
        return Authenticator(Keyring(settings), config, settings).identify(token).user_id

    rotating = read(JWT_SECRET_OLD=f"{OLD} {OLDER}")
    for secret in (REQUIRED["JWT_SECRET"], OLD, OLDER):
        assert identify(rotating, secret) == user
        with pytest.raises(Exception, match="expired"):
            identify(rotating, secret, exp=1)
    with pytest.raises(Exception, match="Signature"):
        identify(read(), OLD)
    with pytest.raises(Exception, match="Signature"):
        identify(rotating, "another-secret-that-nobody-configured")


def test_an_earlier_secret_verifies_beside_an_endpoint_alone() -> None:
    settings = read(JWT_SECRET="", JWT_SECRET_OLD=OLD, JWT_JWKS_URL="https://auth.example/jwks")
    assert Keyring(settings).algorithms[0] == "HS256"
    with pytest.raises(BadSettings, match="JWT_SECRET"):
        read(JWT_SECRET="", JWT_SECRET_OLD=OLD)


#: URLs of which a part of a secret would be taken for a host, a port or a database, or that may hold none.
BROKEN = {
    "DATABASE_URL": [
        f"postgresql://postgres:SECRET@{MARKER}@127.0.0.1/x",
        f"postgresql://postgres:{MARKER}@x@127.0.0.1:5432/x",
        f"postgresql://postgres:{MARKER}/x@127.0.0.1/x",
        f"postgresql://postgres:12/{MARKER}@127.0.0.1/x",
        f"postgresql://postgres:%{MARKER}@127.0.0.1/x",
        f"postgresql://postgres:{MARKER} x@127.0.0.1/x",
        f"postgresql://postgres:[{MARKER}@127.0.0.1/x@y",
        f"postgresql://127.0.0.1:{MARKER}/x",
        f"{MARKER}",
        f"host=127.0.0.1 password={MARKER}",
    ],
    "REDIS_URL": [
        f"redis://:{MARKER}/x@127.0.0.1/0",
        f"redis://:12/{MARKER}@127.0.0.1/0",
        f"redis://:12#{MARKER}@127.0.0.1/0",
        f"redis://:12?{MARKER}@127.0.0.1/0",
        f"redis://user:12?{MARKER}=@127.0.0.1/0",
        f"redis://:x@127.0.0.1:{MARKER}/0",
        f"redis://127.0.0.1/{MARKER}",
        f"redis://127.0.0.1/0?{MARKER}=1",
        f"redis://127.0.0.1/0?socket_timeout={MARKER}",
        f"rediss://[{MARKER}@127.0.0.1",
        f"{MARKER}",
    ],
    "JWT_JWKS_URL": [
        f"https://user:{MARKER}@127.0.0.1/jwks",
        f"https://user:12/{MARKER}@127.0.0.1/jwks",
        f"https://user:12?{MARKER}@127.0.0.1/jwks",
        f"https://user:{MARKER}/x@127.0.0.1/jwks",
        f"https://[{MARKER}@127.0.0.1/jwks",
        f"{MARKER}://x",
    ],
}


@pytest.mark.parametrize(("name", "url"), [(name, url) for name, urls in BROKEN.items() for url in urls])
def test_a_broken_url_stops_the_start_and_is_not_repeated(name: str, url: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read(**{name: url})
    assert list(caught.value.problems) == [name]
    assert MARKER not in str(caught.value)
    assert MARKER not in repr(caught.value)
    # A traceback prints these, too.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://user%40server:p%40%2Fw@db.example:5432,[::1]:5433/courses?sslmode=require"),
        ("DATABASE_URL", "postgresql://postgres.abc:pa#ss@aws-0.pooler.supabase.com:6543/postgres"),
        ("DATABASE_URL", "postgresql://postgres:pa?ss=@db.example/courses"),
        ("REDIS_URL", "redis://:pa@ss@127.0.0.1:6379/0"),
        ("REDIS_URL", "rediss://user:p%2Fw@host:6380/1?socket_timeout=1"),
        ("REDIS_URL", "unix://user:p@/run/redis.sock?db=1"),
        ("JWT_JWKS_URL", "https://auth.example:8443/keys?apikey=abc"),
    ],
)
def test_a_good_url_is_good(name: str, url: str) -> None:
    assert getattr(read(**{name: url}), name.lower()) == url

"""What of the settings may be shown."""

from dataclasses import fields

from app.settings import Settings
from app.settings.shown import COMMON, LOCAL, fingerprint, show_settings
from tests.unit.settings.environment import read

SECRET = "kJ8s-2mVqL0w_Zr7Yt5Nc3Xb1Pd6Gf9H"


def test_secrets_are_fingerprints_and_servers_are_places() -> None:
    shown = show_settings(
        read(
            DATABASE_URL="postgresql://app:hunter2@db:5433/courses",
            REDIS_URL="rediss://:hunter3@cache:6380/2",
            JWT_SECRET=SECRET,
            JWT_SECRET_OLD=f"{SECRET}1 {SECRET}2",
            METRICS_TOKEN=SECRET,
            STAGE_TEXT_GENERATION_STARTS="5",
            BUDGET_CALLS="70",
        )
    )
    assert shown["DATABASE_URL"] == f"app@db:5433/courses, password {fingerprint('hunter2')}"
    assert shown["REDIS_URL"] == f"rediss://cache:6380/2, password {fingerprint('hunter3')}"
    assert shown["JWT_SECRET"] == shown["METRICS_TOKEN"] == fingerprint(SECRET)
    assert shown["JWT_SECRET_OLD"] == f"{fingerprint(f'{SECRET}1')}, {fingerprint(f'{SECRET}2')}"
    assert (shown["WEBHOOK_SECRET"], shown["WEBHOOK_SECRET_OLD"]) == ("none", "none")
    assert (shown["STAGE_RULES"], shown["BUDGET"]) == ("TEXT_GENERATION: starts: 5", "calls: 70")
    assert (shown["TIER_ALIASES"], shown["PORT"]) == ("basic_plus: BASIC", "8000")
    assert not any(secret in str(shown) for secret in (SECRET, "hunter"))


def test_a_fingerprint_is_the_beginning_of_the_secrets_sha256() -> None:
    assert fingerprint("abc") == "ba7816bf"


def test_only_settings_are_compared() -> None:
    assert {field.name.upper() for field in fields(Settings)} >= LOCAL | COMMON
    assert not LOCAL & COMMON

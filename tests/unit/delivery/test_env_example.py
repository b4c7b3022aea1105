"""The example of the settings."""

import re

import pytest

from app.settings import BadSettings
from tests.unit.delivery.delivered import FOR_COMPOSE, REQUIRED, ROOT, default_settings, example, settings


def test_the_example_has_every_setting_and_what_compose_needs_and_no_other() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[A-Z].*?) \|", table, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(example(with_defaults=True)) == documented | FOR_COMPOSE


def test_an_example_that_nobody_filled_in_starts_nothing() -> None:
    with pytest.raises(BadSettings) as caught:
        settings(example(with_defaults=False))
    assert set(caught.value.problems) == REQUIRED
    assert not any(example(with_defaults=False)[name] for name in {*REQUIRED, "POSTGRES_PASSWORD", "FILES_DIR"})


def test_what_the_example_turns_off_are_the_defaults() -> None:
    on, every = example(with_defaults=False), example(with_defaults=True)
    given = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache", "JWT_SECRET": "s" * 32}
    defaults = {name: value for name, value in every.items() if name not in on}
    assert settings(given | defaults) == default_settings()


def test_the_example_takes_a_tier_only_from_where_its_user_cannot_write() -> None:
    assert example(with_defaults=False)["TIER_CLAIMS"] == "app_metadata.tier"

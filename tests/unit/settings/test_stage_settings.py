"""The settings that a stage has of its own."""

import pytest

from app.generation.stages import Stage, StageRules
from app.settings import BadSettings
from app.settings.stages import Budget, StageLimits
from tests.unit.settings.environment import read


def test_a_stage_may_have_variables_and_limits_of_its_own() -> None:
    settings = read(
        STAGE_TIMEOUT_S="100",
        HANDLER_TEXT_GENERATION_ENV=" PROVIDER_KEY, HTTPS_PROXY",
        STAGE_TEXT_GENERATION_SILENCE_S="60",
        STAGE_TEXT_GENERATION_TIMEOUT_S="3600",
        STAGE_FINALIZATION_CPU_S="7",
    )
    assert settings.handler_variables[Stage.TEXT_GENERATION] == ("HTTPS_PROXY", "PROVIDER_KEY")
    assert settings.handler_variables[Stage.FINALIZATION] == ()
    assert settings.limits_of(Stage.TEXT_GENERATION) == StageLimits(3600, silence_s=60)
    assert settings.limits_of(Stage.FINALIZATION) == StageLimits(100, cpu_s=7)
    assert settings.limits_of(Stage.STRUCTURE_ANALYSIS) == StageLimits(100)


def test_a_stage_that_computes_is_limited_by_processor_time() -> None:
    assert read(STAGE_TIMEOUT_S="100").limits_of(Stage.DOCUMENT_PROCESSING) == StageLimits(1000, cpu_s=100)
    own = read(STAGE_DOCUMENT_PROCESSING_CPU_S="5", STAGE_DOCUMENT_PROCESSING_TIMEOUT_S="8")
    assert own.limits_of(Stage.DOCUMENT_PROCESSING) == StageLimits(8, cpu_s=5)


def test_a_stage_may_have_starts_and_places_of_its_own_and_a_generation_a_budget() -> None:
    settings = read(
        RETRY_BACKOFF_S="7",
        STAGE_TEXT_GENERATION_STARTS="5",
        STAGE_TEXT_GENERATION_BACKOFF_S="60",
        STAGE_TEXT_GENERATION_AT_ONCE="2",
        STAGE_TEXT_GENERATION_PAUSE_S="100",
        STAGE_FINALIZATION_AT_ONCE="",
        BUDGET_CALLS="10",
        BUDGET_MONEY="0.5",
        BUDGET_TOKENS="",
    )
    assert settings.rules[Stage.TEXT_GENERATION] == StageRules(5, 60, 2, 100)
    assert settings.rules[Stage.FINALIZATION] == StageRules(backoff_s=7)
    assert settings.budget == Budget(calls=10, money=0.5)


def test_bad_settings_of_a_stage_are_named() -> None:
    bad = {
        "HANDLER_FINALIZATION_ENV": "A,1=2",
        "STAGE_FINALIZATION_SILENCE_S": "0",
        "STAGE_FINALIZATION_CPU_S": "much",
        "STAGE_FINALIZATION_STARTS": "0",
        "STAGE_FINALIZATION_AT_ONCE": "1.5",
        "STAGE_FINALIZATION_PAUSE_S": "-1",
        "BUDGET_CALLS": "0",
        "BUDGET_MONEY": "much",
    }
    with pytest.raises(BadSettings) as caught:
        read(**bad)
    assert set(caught.value.problems) == set(bad)

"""The settings that a stage has of its own."""

import pytest

from app.generation.stages import Stage
from app.settings import BadSettings
from app.settings.stages import StageLimits
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


def test_bad_settings_of_a_stage_are_named() -> None:
    with pytest.raises(BadSettings) as caught:
        read(HANDLER_FINALIZATION_ENV="A,1=2", STAGE_FINALIZATION_SILENCE_S="0", STAGE_FINALIZATION_CPU_S="much")
    names = {"HANDLER_FINALIZATION_ENV", "STAGE_FINALIZATION_SILENCE_S", "STAGE_FINALIZATION_CPU_S"}
    assert set(caught.value.problems) == names

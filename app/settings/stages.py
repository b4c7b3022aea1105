"""What a stage has of its own in the environment: its handler, the handler's variables, its limits and rules."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import environs
from marshmallow import validate

from app.generation.stages import Stage

#: Where the shipped handler of each stage lives; `HANDLER_<STAGE>` replaces it.
HANDLERS = {stage: f"pipeline.{stage.value.lower()}.handle" for stage in Stage}
#: Stages whose handlers compute, and wait for nobody. They are limited by processor time.
COMPUTING = (Stage.DOCUMENT_PROCESSING,)
#: How many times as long they may take in all: the machine may be busy.
BUSY = 10

_NAME = validate.Regexp(r"[A-Za-z_][A-Za-z0-9_]*\Z", error="Not names of variables.")
_POSITIVE = validate.Range(min=0, min_inclusive=False)
#: What a stage may have of its own beside its limits, by the fields of `StageRules`.
_RULES = (("starts", "STARTS"), ("at_once", "AT_ONCE"), ("backoff_s", "BACKOFF_S"), ("pause_s", "PAUSE_S"))
_COUNTS = ("starts", "at_once")


@dataclass(frozen=True, slots=True)
class StageLimits:
    """In seconds: of a stage in all, since its last report, and of its handler's own processor time."""

    total_s: float
    silence_s: float | None = None
    cpu_s: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What the handlers of one generation may spend; None for no limit."""

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None


def read_stage_settings(env: environs.Env) -> dict[str, Any]:
    """The fields of `Settings` that are by stage."""
    return {
        "handlers": {stage: env.str(f"HANDLER_{stage.value}", path) for stage, path in HANDLERS.items()},
        "handler_variables": {stage: _read_names(env, f"HANDLER_{stage.value}_ENV") for stage in Stage},
        "stage_limits": {
            stage: {
                limit: _read_number(env.float, f"STAGE_{stage.value}_{name}")
                for limit, name in (("total_s", "TIMEOUT_S"), ("silence_s", "SILENCE_S"), ("cpu_s", "CPU_S"))
            }
            for stage in Stage
        },
        "stage_rules": {stage: _read_rules(env, stage) for stage in Stage},
        "budget": Budget(
            _read_number(env.int, "BUDGET_CALLS"),
            _read_number(env.int, "BUDGET_TOKENS"),
            _read_number(env.float, "BUDGET_MONEY"),
        ),
    }


def limit_stage(stage: Stage, timeout_s: float, own: Mapping[str, float | None]) -> StageLimits:
    """The stage's limits: its own where they are set, else by `timeout_s`, that of all stages."""
    cpu_s, total_s = own.get("cpu_s"), own.get("total_s")
    if stage in COMPUTING:
        cpu_s = cpu_s or timeout_s
        total_s = total_s or BUSY * cpu_s
    return StageLimits(total_s or timeout_s, own.get("silence_s"), cpu_s)


def _read_rules(env: environs.Env, stage: Stage) -> dict[str, Any]:
    values = {
        field: _read_number(env.int if field in _COUNTS else env.float, f"STAGE_{stage.value}_{name}")
        for field, name in _RULES
    }
    return {field: value for field, value in values.items() if value is not None}


def _read_number(read: Callable[..., Any], variable: str) -> Any:
    """The number, above 0; None if the variable is not set, or empty."""
    return read(variable, None, validate=_POSITIVE) if os.environ.get(variable) else None


def _read_names(env: environs.Env, variable: str) -> tuple[str, ...]:
    names: list[str] | None = env.list(variable, [], validate=lambda names: [_NAME(name.strip()) for name in names])
    return tuple(sorted(name.strip() for name in names or ()))  # None: `env.seal` raises its problem

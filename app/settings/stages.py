"""What a stage has of its own in the environment: its handler, the handler's variables, its limits."""

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class StageLimits:
    """In seconds: of a stage in all, since its last report, and of its handler's own processor time."""

    total_s: float
    silence_s: float | None = None
    cpu_s: float | None = None


def read_stage_settings(env: environs.Env) -> dict[str, Any]:
    """The fields of `Settings` that are by stage."""
    return {
        "handlers": {stage: env.str(f"HANDLER_{stage.value}", path) for stage, path in HANDLERS.items()},
        "handler_variables": {stage: _read_names(env, f"HANDLER_{stage.value}_ENV") for stage in Stage},
        "stage_limits": {
            stage: {
                limit: env.float(f"STAGE_{stage.value}_{name}", None, validate=_POSITIVE)
                for limit, name in (("total_s", "TIMEOUT_S"), ("silence_s", "SILENCE_S"), ("cpu_s", "CPU_S"))
            }
            for stage in Stage
        },
    }


def limit_stage(stage: Stage, timeout_s: float, own: Mapping[str, float | None]) -> StageLimits:
    """The stage's limits: its own where they are set, else by `timeout_s`, that of all stages."""
    cpu_s, total_s = own.get("cpu_s"), own.get("total_s")
    if stage in COMPUTING:
        cpu_s = cpu_s or timeout_s
        total_s = total_s or BUSY * cpu_s
    return StageLimits(total_s or timeout_s, own.get("silence_s"), cpu_s)


def _read_names(env: environs.Env, variable: str) -> tuple[str, ...]:
    names: list[str] | None = env.list(variable, [], validate=lambda names: [_NAME(name.strip()) for name in names])
    return tuple(sorted(name.strip() for name in names or ()))  # None: `env.seal` raises its problem

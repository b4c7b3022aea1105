"""Reads what the service is delivered with: the image, the composition, the example of the settings, the units."""

import configparser
import json
import os
import re
import shlex
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from app.settings import Settings, read_settings

ROOT = Path(__file__).resolve().parents[3]
TOOLS = Path(sys.executable).parent

#: Started once a release; all others run always.
MIGRATE = "migrate"
WORKERS = ["worker", "upkeep", "webhooks"]
ALWAYS = ["api", *WORKERS, "console"]
#: What a start of the service without it must not survive.
REQUIRED = {"DATABASE_URL", "REDIS_URL", "JWT_SECRET"}
#: What `.env.example` has for compose.yaml and not for the service.
FOR_COMPOSE = {"POSTGRES_PASSWORD", "FILES_DIR", "API_PORT"}

UNITS = ROOT / "deploy"
UNITS_COMMAND = "/opt/course-generation/current/.venv/bin/coursegen"


@dataclass(frozen=True)
class Instruction:
    """One of the Dockerfile, its lines joined; `stage` counts from 0."""

    stage: int
    name: str
    value: str

    def argv(self) -> list[str]:
        """The command of an exec form."""
        command: list[str] = json.loads(self.value[self.value.index("[") :])
        return command

    def pairs(self) -> dict[str, str]:
        """The names and values of ENV, LABEL and ARG."""
        return dict(word.split("=", 1) for word in shlex.split(self.value))


def dockerfile() -> list[Instruction]:
    """Every instruction in its order."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    stage, found = -1, []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            name, _, value = line.partition(" ")
            stage += name == "FROM"
            found.append(Instruction(stage, name, value.strip()))
    return found


def image(name: str) -> list[Instruction]:
    """The instructions of this name in the stage that becomes the image."""
    return [instruction for instruction in dockerfile() if instruction.name == name and instruction.stage == 1]


def sent_to_the_builder(path: str) -> bool:
    """Whether .dockerignore lets this file of the checkout through; of its rules, the last that fits counts."""
    parts = path.split("/")
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            deep = "**/" in line
            if any(fnmatch(Path(name).name, pattern) if deep else _same(name, pattern) for name in above):
                sent = line.startswith("!")
    return sent


def _same(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatch(path, pattern)


def compose() -> dict[str, Any]:
    """compose.yaml, its anchors resolved, its variables as they stand."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return parsed


def commands() -> dict[str, list[str]]:
    """What migration, API, workers and console run, as the image and compose.yaml say."""
    services = compose()["services"]
    return {name: services[name].get("command") or image("CMD")[0].argv() for name in [MIGRATE, *ALWAYS]}


def example(*, with_defaults: bool) -> dict[str, str]:
    """The variables of .env.example; with the ones that a # turns off, if asked for."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    lines = re.findall(r"^(#?)([A-Z][A-Z_]+)=(.*)$", text, re.MULTILINE)
    names = [name for _, name, _ in lines]
    assert len(names) == len(set(names))
    return {name: value for off, name, value in lines if with_defaults or not off}


def settings(environment: dict[str, str]) -> Settings:
    with mock.patch.dict(os.environ, environment, clear=True):
        return read_settings()


def unit(name: str) -> configparser.ConfigParser:
    """A unit of deploy/; of a key that stands twice, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / f"course-generation-{name}.service", encoding="utf-8")
    return parser


def seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def default_settings() -> Settings:
    return settings({"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache", "JWT_SECRET": "s" * 32})


def alerts() -> list[dict[str, Any]]:
    """The rules of Prometheus."""
    [group] = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    """Grafana's, with the rows between them."""
    dashboard: dict[str, Any] = json.loads(
        (ROOT / "deploy" / "grafana" / "course-generation.json").read_text(encoding="utf-8")
    )
    return list(dashboard["panels"])


def queries() -> list[tuple[str, str]]:
    """What alerts and panels ask Prometheus, each with the names of its lines (`{{label}}`)."""
    asked = [(target["expr"], target["legendFormat"]) for panel in panels() for target in panel.get("targets", [])]
    return [(rule["expr"], rule["annotations"]["summary"]) for rule in alerts()] + asked

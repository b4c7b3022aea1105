"""Reads the YAML files of the description."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


def read_yaml(name: str) -> dict[Any, Any]:
    """The mapping in that file."""
    mapping: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return mapping

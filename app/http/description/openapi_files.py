"""Reads the files in `openapi`."""

from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent / "openapi"


def read_yaml(name: str) -> dict[Any, Any]:
    """The mapping in the YAML file of that name."""
    mapping: dict[Any, Any] = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return mapping


def read_guide() -> str:
    """The introduction, in Markdown."""
    return (_FOLDER / "guide.md").read_text(encoding="utf-8")

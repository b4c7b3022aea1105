"""The router's types for TypeScript have the fields of the OpenAPI document."""

import re
from pathlib import Path
from typing import Any

import pytest

ROUTER = Path(__file__).resolve().parents[4] / "examples" / "clients" / "typescript" / "app-router.ts"


@pytest.mark.parametrize(
    ("interface", "schema", "more"),
    [
        ("CourseStatus", "CourseStatus", set()),
        ("GenerationProgress", "GenerationProgress", set()),
        ("Step", "Step", set()),
        ("Started", "Initiated", set()),
        ("Cancelled", "Cancelled", set()),
    ],
)
def test_a_type_has_the_fields_of_its_schema(
    document: dict[str, Any], interface: str, schema: str, more: set[str]
) -> None:
    [body] = re.findall(rf"^export interface {interface} {{\n(.*?)^}}", ROUTER.read_text("utf-8"), re.M | re.S)
    fields = set(re.findall(r"^  (\w+):", body, re.MULTILINE))
    assert fields == set(document["components"]["schemas"][schema]["properties"]) | more


def test_it_has_every_procedure(document: dict[str, Any]) -> None:
    [body] = re.findall(r"^    generation: {\n(.*?)^    };", ROUTER.read_text("utf-8"), re.M | re.S)
    procedures = {f"/trpc/generation.{name}" for name in re.findall(r"^      (\w+):", body, re.MULTILINE)}
    assert procedures == {path for path in document["paths"] if re.fullmatch(r"/trpc/generation\.\w+", path)}

"""The types for TypeScript have the fields of the OpenAPI document."""

import re
from pathlib import Path
from typing import Any

import pytest

TYPESCRIPT = Path(__file__).resolve().parents[4] / "examples" / "clients" / "typescript"
ROUTER = (TYPESCRIPT / "app-router.ts").read_text("utf-8")
TYPES = ROUTER + (TYPESCRIPT / "course-status.ts").read_text("utf-8")


@pytest.mark.parametrize(
    ("interface", "schema"),
    [
        ("CourseStatus", "CourseStatus"),
        ("GenerationProgress", "GenerationProgress"),
        ("Step", "Step"),
        ("Started", "Initiated"),
        ("Cancelled", "Cancelled"),
    ],
)
def test_a_type_has_the_fields_of_its_schema(document: dict[str, Any], interface: str, schema: str) -> None:
    [body] = re.findall(rf"^export interface {interface} {{\n(.*?)^}}", TYPES, re.MULTILINE | re.DOTALL)
    fields = set(re.findall(r"^  (\w+):", body, re.MULTILINE))
    assert fields == set(document["components"]["schemas"][schema]["properties"])


def test_it_has_every_procedure(document: dict[str, Any]) -> None:
    [body] = re.findall(r"^    generation: {\n(.*?)^    };", ROUTER, re.M | re.S)
    procedures = {f"/trpc/generation.{name}" for name in re.findall(r"^      (\w+):", body, re.MULTILINE)}
    assert procedures == {path for path in document["paths"] if re.fullmatch(r"/trpc/generation\.\w+", path)}

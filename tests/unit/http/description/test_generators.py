"""The document has the forms that client generators read, and none that they misread."""

from collections.abc import Iterator
from typing import Any

import pytest

#: Parts of a schema that hold other schemas.
NESTED = ("items", "additionalProperties", "contentSchema", "not")
COMPOSED = ("anyOf", "oneOf", "allOf")

Found = Iterator[tuple[str, dict[str, Any]]]


def within(place: str, schema: dict[str, Any]) -> Found:
    """The schema and every schema in it, with their places."""
    yield place, schema
    for name, field in schema.get("properties", {}).items():
        yield from within(f"{place}.{name}", field)
    for name in NESTED:
        if isinstance(schema.get(name), dict):
            yield from within(f"{place}.{name}", schema[name])
    for name in COMPOSED:
        for number, part in enumerate(schema.get(name, [])):
            yield from within(f"{place}.{name}.{number}", part)


def schemas(document: dict[str, Any]) -> Found:
    """Every schema of the document; the place of a named one is its name."""
    for name, schema in document["components"]["schemas"].items():
        yield from within(name, schema)
    rest = {"paths": document["paths"], "webhooks": document["webhooks"]}
    yield from unnamed("", rest | {"responses": document["components"]["responses"]})


def unnamed(place: str, part: object) -> Found:
    for name, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if name == "schema":
            yield from within(f"{place}/schema", value)
        elif name not in ("examples", "example"):
            yield from unnamed(f"{place}/{name}", value)


@pytest.fixture(scope="module")
def found(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(schemas(document))


def test_every_object_with_fields_has_a_name(document: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    """A generator would number the others, so that a new operation renames classes of existing programs."""
    named = set(document["components"]["schemas"])
    assert {place for place, schema in found.items() if "properties" in schema} - named == set()
    assert {place for place, schema in found.items() if any(name in schema for name in COMPOSED)} - named == {
        # a value or null is a field of that type
        "CourseContent.published",
        "CourseStatus.generationProgress",
    }


def test_no_choice_is_open_to_everything(found: dict[str, dict[str, Any]]) -> None:
    """Of `X | unknown` TypeScript keeps `unknown`."""
    choices = [part for schema in found.values() for name in COMPOSED for part in schema.get(name, [])]
    assert len(choices) > 10
    assert all("$ref" in part or part == {"type": "null"} for part in choices)


def test_only_texts_are_enumerated(found: dict[str, dict[str, Any]]) -> None:
    """Generators take the values of other enumerations for texts."""
    assert all(schema["type"] == "string" for schema in found.values() if "enum" in schema)


def test_the_progress_is_typed_and_may_be_null(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    progress = schemas["CourseStatus"]["properties"]["generationProgress"]
    assert progress["anyOf"] == [{"$ref": "#/components/schemas/GenerationProgress"}, {"type": "null"}]
    assert "required" not in schemas["GenerationProgress"]  # before the first generation there may be `files` alone
    [(given, demanded)] = schemas["GenerationProgress"]["dependentRequired"].items()
    assert {given, *demanded} == set(schemas["GenerationProgress"]["properties"])


def test_new_error_codes_break_no_client(found: dict[str, dict[str, Any]]) -> None:
    assert not any("enum" in found[place] for place in ("Error.code", "TrpcErrorData.code", "TrpcErrorData.reason"))


def test_paths_and_webhooks_share_no_tag(document: dict[str, Any]) -> None:
    """openapi-generator writes a file for each tag of either, and the later file would replace the earlier."""

    def tags(part: str) -> set[str]:
        return {tag for item in document[part].values() for operation in item.values() for tag in operation["tags"]}

    assert tags("paths") & tags("webhooks") == set()

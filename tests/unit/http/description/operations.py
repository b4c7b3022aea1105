"""The operations of the document and their errors."""

from collections.abc import Iterator
from typing import Any

from app.http.description.document import ALWAYS


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each path, method and operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def error_codes(document: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    """The codes of the operation's error responses, without those of every operation."""
    names = [response.get("$ref", "").rpartition("/")[2] for response in operation["responses"].values()]
    responses = document["components"]["responses"]
    return {code for name in names if name for code in responses[name]["x-codes"]} - set(ALWAYS)

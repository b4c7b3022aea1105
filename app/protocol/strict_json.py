"""JSON without the parts that two parsers may read differently."""

import json
from typing import Any


def parse_json(data: bytes) -> Any:
    """The value of a JSON text in UTF-8, by RFC 8259.

    Raises ValueError, also for NaN, for infinities and for an object with a duplicate name.
    """
    try:
        return _decoder.decode(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("Nested too deep") from error


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("An object has a duplicate name")
    return found


_decoder = json.JSONDecoder(parse_constant=_reject_constant, object_pairs_hook=_unique)

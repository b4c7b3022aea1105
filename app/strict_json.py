"""JSON as RFC 8259 has it and any two readers agree on."""

import json
from typing import Any


def parse_json(data: bytes) -> Any:
    """The value of a JSON text in UTF-8, as RFC 8259 has it and any two readers agree on. Raises ValueError."""
    try:
        return _decoder.decode(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("Nested too deep") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object, unless a name stands in it twice: then no two readers need agree on what was meant."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("A name stands twice")
    return found


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)

"""Server-sent events as a browser reads them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """A block of lines: its fields, or a comment, whose name is empty."""

    name: str = ""
    id: str = ""
    data: str = ""
    retry: str = ""

    @property
    def body(self) -> Any:
        return json.loads(self.data)


def read_blocks(lines: Iterable[bytes]) -> Iterator[Event]:
    """Every block that is whole."""
    fields: dict[str, str] = {}
    for line in lines:
        text = line.decode().removesuffix("\n")
        if not text:
            yield Event(
                fields.get("event", ""), fields.get("id", ""), fields.get("data", ""), retry=fields.get("retry", "")
            )
            fields = {}
        else:
            name, _, value = text.partition(":")
            fields[name] = value.removeprefix(" ")


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their ends, however the bytes came."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in lines)

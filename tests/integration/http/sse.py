"""Server-sent events as a browser reads them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from stack.server import HOST
from tests.integration.factories import Course
from tests.integration.serving import Server


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


class Client:
    """One that follows a course."""

    def __init__(self, server: Server, course: Course, token: str, headers: Mapping[str, str] | None = None) -> None:
        self.connection = HTTPConnection(HOST, server.port, timeout=10)
        self.connection.request(
            "GET", f"/api/courses/{course.slug}/events", headers={"Authorization": f"Bearer {token}", **(headers or {})}
        )
        self.response: HTTPResponse = self.connection.getresponse()
        self.blocks = read_blocks(iter(self.response.readline, b""))

    def next(self) -> Event:
        return next(block for block in self.blocks if block.name)

    def close(self) -> None:
        self.response.close()
        self.connection.close()

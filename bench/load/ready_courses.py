"""Courses with owners and tokens, made before anything is measured."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from app.auth.minting import mint_token
from bench.environment.statements import SQL
from bench.load.python_generator import request_bytes
from bench.reporting.figures import BenchError
from stack.server import HOST

FILES = [
    {"id": str(number), "name": f"{number}.md", "path": f"{number}.md", "mime_type": "text/markdown", "size": 20_000}
    for number in (1, 2)
]
TITLE = "Промышленная безопасность на производстве"


@dataclass(frozen=True, slots=True)
class Ready:
    """A course that is not generated yet."""

    course_id: UUID
    user_id: UUID
    slug: str
    token: str

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def generate(self) -> bytes:
        """The request that starts its generation."""
        return self._order("/api/coursegen/generate", {})

    def initiate(self, generation_id: UUID | None = None) -> bytes:
        """The same for the Node stack, in tRPC; its worker reads the rows of this generation."""
        more = {} if generation_id is None else {"generationId": str(generation_id)}
        return self._order("/trpc/generation.initiate", more)

    def poll(self, tag: str) -> bytes:
        """The request of a frontend that has the state with this tag."""
        headers = self.authorization | {"If-None-Match": tag}
        return request_bytes("GET", f"/api/courses/{self.slug}/check-status", headers)

    def _order(self, path: str, more: dict[str, str]) -> bytes:
        body = {"courseId": str(self.course_id)} | more
        return request_bytes("POST", path, self.authorization, json.dumps(body).encode())


def create_courses(database_url: str, secret: str, count: int, owners: list[Ready] | None = None) -> list[Ready]:
    """Returns `count` new courses with two documents each, of new FREE users or, in order, of these owners."""
    if owners is None:
        users = [(user, mint_token(secret, user, "FREE")) for user in (uuid4() for _ in range(count))]
    else:
        users = [(owner.user_id, owner.token) for owner in owners]
    ready = [Ready(uuid4(), user, f"course-{uuid4().hex}", token) for user, token in users[:count]]
    progress = Jsonb({"files": FILES})
    with psycopg.connect(database_url) as conn, conn.cursor() as cursor, cursor.copy(SQL["copy_courses"]) as rows:
        for course in ready:
            rows.write_row([course.course_id, course.user_id, course.slug, TITLE, TITLE * 5, "ru", progress])
    return ready


def read_tag(port: int, course: Ready) -> str:
    """The tag of the course's present state. Raises `BenchError`."""
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", f"/api/courses/{course.slug}/check-status", headers=course.authorization)
        answer = connection.getresponse()
        answer.read()
        if (tag := answer.getheader("ETag")) is None:
            raise BenchError(f"check-status answered {answer.status} without an ETag")
        return tag
    finally:
        connection.close()

"""Courses to be generated, each with an owner of its own and a token, made before anything is measured."""

import json
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from app.auth.minting import mint_token
from bench.load import request_bytes

FILES = [
    {"id": str(number), "name": f"{number}.md", "path": f"{number}.md", "mime_type": "text/markdown", "size": 20_000}
    for number in (1, 2)
]
TITLE = "Промышленная безопасность на производстве"


@dataclass(frozen=True, slots=True)
class Ready:
    """A course nobody has asked for yet."""

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
        return self._order("/api/coursegen/generate")

    @property
    def initiate(self) -> bytes:
        """The same in tRPC."""
        return self._order("/trpc/generation.initiate")

    def poll(self, tag: str) -> bytes:
        """The request of a frontend that has seen the state of that tag."""
        headers = self.authorization | {"If-None-Match": tag}
        return request_bytes("GET", f"/api/courses/{self.slug}/check-status", headers)

    def _order(self, path: str) -> bytes:
        return request_bytes("POST", path, self.authorization, json.dumps({"courseId": str(self.course_id)}).encode())


def create_courses(database_url: str, secret: str, count: int, owners: list[Ready] | None = None) -> list[Ready]:
    """So many new courses with two documents each, of new FREE users or, in order, of these owners."""
    if owners is None:
        users = [(user, mint_token(secret, user, "FREE")) for user in (uuid4() for _ in range(count))]
    else:
        users = [(owner.user_id, owner.token) for owner in owners]
    ready = [Ready(uuid4(), user, f"course-{uuid4().hex}", token) for user, token in users[:count]]
    copy = "copy courses (id, user_id, slug, title, course_description, language, generation_progress) from stdin"
    progress = Jsonb({"files": FILES})
    with psycopg.connect(database_url) as conn, conn.cursor() as cursor, cursor.copy(copy) as rows:
        for course in ready:
            rows.write_row([course.course_id, course.user_id, course.slug, TITLE, TITLE * 5, "ru", progress])
    return ready

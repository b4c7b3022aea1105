"""The stack that this service replaces, as database and Redis see it, and the platform's receiver of webhooks."""

import hashlib
import hmac
from typing import Any
from uuid import UUID

import psycopg
import redis

from tests.integration.platform.courses import cancel_as_user
from tests.receivers import Answering, Received, Reply

#: Generations that it runs at once, in all and of a user.
SYSTEM_LIMIT, USER_LIMIT = 3, 5
ADMIT = """
local mine, all = tonumber(redis.call('get', KEYS[1]) or 0), tonumber(redis.call('get', KEYS[2]) or 0)
if mine >= tonumber(ARGV[1]) or all >= tonumber(ARGV[2]) then return 0 end
redis.call('incr', KEYS[1])
redis.call('expire', KEYS[1], 3600)
redis.call('incr', KEYS[2])
return 1"""


class OldStack:
    """Counts in Redis with integers, and moves the course's status by the platform's own function.

    A writer of courses of Stage 1 (steps 1 to 5) or of the newest age (its pages set the first status of each stage).
    """

    def __init__(self, conn: psycopg.Connection[Any], redis_url: str) -> None:
        self.conn, self.redis = conn, redis.Redis.from_url(redis_url, decode_responses=True)
        labels = "select 'stage_2_init' = any (enum_range(null::generation_status)::text[]) as newest"
        self.is_newest = bool(self._only(labels))

    def admit(self, course: UUID) -> bool:
        """False if its limits are reached. Raises `redis.ResponseError` if a key is not its own."""
        return bool(self.redis.eval(ADMIT, 2, *self._keys(course), str(USER_LIMIT), str(SYSTEM_LIMIT)))

    def counts(self) -> dict[str, str | None]:
        return {key: self.redis.get(key) for key in sorted(self.redis.scan_iter("concurrency:*"))}  # type: ignore[misc]

    def form(self, course: UUID) -> None:
        """The platform's page has asked for a generation."""
        self.conn.execute(
            "update courses set generation_status = 'pending', generation_progress = jsonb_build_object('steps', ("
            "select jsonb_agg(jsonb_build_object('id', n, 'status', 'pending')) from generate_series(1, 5) n"
            "), 'has_documents', false) where id = %s",
            [course],
        )

    def start(self, course: UUID) -> bool:
        """False if its limits are reached."""
        if not self.admit(course):
            return False
        self.begin(course)
        return True

    def begin(self, course: UUID) -> None:
        if self.is_newest:
            self.set_status(course, "stage_4_init")
        else:
            self.step(course, 1, "in_progress")
            self.step(course, 1, "completed")

    def walk(self, course: UUID, last: str = "completed") -> None:
        """From the start to that end."""
        for step in range(4, 7) if self.is_newest else range(2, 6):
            if self.is_newest and step == 5:
                self.set_status(course, "stage_5_init")
            self.step(course, step, "in_progress")
            if step == 4 and last == "failed":
                self.step(course, step, "failed")
                break
            self.step(course, step, "completed")

    def step(self, course: UUID, step: int, status: str) -> None:
        query = "select update_course_progress(p_course_id => %s, p_step_id => %s, p_status => %s, p_message => '…',"
        self.conn.execute(query + ' p_metadata => \'{"job_id": "1"}\')', [course, step, status])

    def set_status(self, course: UUID, status: str) -> None:
        self.conn.execute("update courses set generation_status = %s where id = %s", [status, course])

    def cancel(self, course: UUID) -> None:
        cancel_as_user(self.conn, course)

    def release(self, course: UUID) -> None:
        """At the end of each step, so more often than it admits: its counts go below zero."""
        for key in self._keys(course):
            self.redis.decr(key)

    def _keys(self, course: UUID) -> tuple[str, str]:
        owner = self._only("select user_id::text as owner from courses where id = %s", course)
        return f"concurrency:user:{owner}", "concurrency:global"

    def _only(self, query: str, *values: object) -> Any:
        row = self.conn.execute(query.encode(), values).fetchone()
        assert row is not None
        return next(iter(row.values()))


#: The statuses that the platform's receiver knows.
KNOWN = (
    "initializing", "processing_documents", "analyzing_task", "generating_structure", "generating_content",
    "finalizing", "completed", "failed",
)  # fmt: skip


def answer_as_platform(url: str, secret: str) -> Answering:
    """Writes the status of each message into the course's row, where its rules allow that, and publishes at the end."""

    def answer(received: list[Received]) -> Reply:
        message = received[-1]
        signature = hmac.digest(secret.encode(), message.body, hashlib.sha256).hex()
        if not hmac.compare_digest(message.headers.get("x-webhook-signature", ""), signature):
            return Reply(401)
        if message.json["status"] not in KNOWN:
            return Reply(400)
        published = "status = 'published'," if message.json["status"] == "completed" else ""
        update = f"update courses set {published} generation_status = %s where id = %s"
        try:
            with psycopg.connect(url) as conn:
                conn.execute("set role service_role")
                conn.execute(update.encode(), [message.json["status"], message.json["courseId"]])
        except psycopg.Error:
            return Reply(500)
        return Reply(200)

    return answer

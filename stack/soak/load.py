"""What users do meanwhile: they generate small courses, look at them and cancel some, never faster than they may."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from app.auth.minting import mint_token
from app.generation.tiers import Tier
from stack.services import Stack

#: One user of each tier and two more: more than the system has room for.
TIERS = (*Tier, Tier.PREMIUM, Tier.PREMIUM)
PAUSE_S = (0.8, 2.4)
SAMPLE_S = 0.05
NO_ANSWER = 0
JOIN_S = 30.0

FILE = {"id": "1", "name": "Безопасная работа.md", "path": "safety.md", "mime_type": "text/markdown"}
INSERT = """
    insert into courses
        (user_id, title, slug, language, course_description, estimated_sections, estimated_lessons, generation_progress)
    values (%s, 'Небольшой курс', %s, 'ru', 'О том, что остаётся, когда всё ломается.', 1, 2, %s)
    returning id
"""
ACTIVE = """
    select g.user_id, t.tier::text, t.slots, count(*)
    from coursegen.generations g join coursegen.tiers t using (tier)
    where g.status in ('queued', 'running') group by 1, 2, 3
"""


@dataclass(slots=True)
class Tally:
    """The responses to the users, and the samples of the limits."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    longest_s: float = 0.0
    admitted: set[UUID] = field(default_factory=set)
    cancelled: set[UUID] = field(default_factory=set)
    samples: int = 0
    most: int = 0
    over: list[str] = field(default_factory=list)


class Load:
    """A thread a user, and one that watches the limits; `stop()` ends the users, `close()` the watcher too."""

    def __init__(self, stack: Stack, limit: int, seed: int) -> None:
        self.tally = Tally()
        self._stack = stack
        self._limit = limit
        self._done, self._closed = threading.Event(), threading.Event()
        self._users = [
            threading.Thread(target=self._use, args=(tier, random.Random(seed + number)), daemon=True)
            for number, tier in enumerate(TIERS)
        ]
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        for thread in [*self._users, self._watcher]:
            thread.start()

    def stop(self) -> None:
        """No user asks for anything any more."""
        self._done.set()
        for thread in self._users:
            thread.join(JOIN_S)

    def close(self) -> None:
        """Nobody watches any more either."""
        self.stop()
        self._closed.set()
        self._watcher.join(JOIN_S)

    def _use(self, tier: Tier, choice: random.Random) -> None:
        user_id = uuid4()
        token = mint_token(self._stack.secret, user_id, tier.value)
        course: tuple[UUID, str] | None = None
        begun: list[str] = []
        while not self._done.wait(choice.uniform(*PAUSE_S)):
            course = course or self._insert(user_id, choice)
            if course is None:
                continue
            course_id, slug = course
            status, answer = self._call(
                "generate", "POST", "/api/coursegen/generate", token, {"courseId": str(course_id)}
            )
            if status == 200:
                with self.tally.lock:
                    self.tally.admitted.add(UUID(str(answer["jobId"])))
            if status in (200, 409):  # a request whose answer was lost may have started it
                begun.append(slug)
                course = None
            if begun:
                self._call("check-status", "GET", f"/api/courses/{choice.choice(begun)}/check-status", token)
            if begun and choice.random() < 0.1:
                status, answer = self._call("cancel", "POST", f"/api/courses/{begun[-1]}/cancel", token)
                if status == 200:
                    with self.tally.lock:
                        self.tally.cancelled.add(UUID(str(answer["jobId"])))
            del begun[:-5]

    def _insert(self, user_id: UUID, choice: random.Random) -> tuple[UUID, str] | None:
        """A new small course, every third with a document; None while the database is away."""
        slug = f"soak-{uuid4()}"
        progress = Jsonb({"files": [FILE]}) if choice.random() < 0.33 else None
        try:
            with psycopg.connect(self._stack.database_url, connect_timeout=3) as conn:
                [(course_id,)] = conn.execute(INSERT, [user_id, slug, progress]).fetchall()
        except psycopg.OperationalError:
            return None
        return course_id, slug

    def _call(
        self, name: str, method: str, path: str, token: str, body: object = None
    ) -> tuple[int, dict[str, object]]:
        began = time.monotonic()
        answer: dict[str, object]
        try:
            status, answer = self._stack.api.call(method, path, token, body)
        except (OSError, HTTPException, ValueError):
            status, answer = NO_ANSWER, {}
        seconds = time.monotonic() - began
        with self.tally.lock:
            self.tally.answers[name, status] += 1
            if status != NO_ANSWER:
                self.tally.longest_s = max(self.tally.longest_s, seconds)
        return status, answer

    def _watch(self) -> None:
        while not self._closed.is_set():
            try:
                with psycopg.connect(self._stack.database_url, connect_timeout=3, autocommit=True) as conn:
                    while not self._closed.wait(SAMPLE_S):
                        self._sample(conn.execute(ACTIVE).fetchall())
            except psycopg.OperationalError:
                self._closed.wait(SAMPLE_S)

    def _sample(self, active: list[tuple[UUID, str, int, int]]) -> None:
        total = sum(n for *_, n in active)
        self.tally.samples += 1
        self.tally.most = max(self.tally.most, total)
        if total > self._limit:
            self.tally.over.append(f"{total} active of {self._limit}")
        self.tally.over += [f"user {user}: {n} ({tier})" for user, tier, slots, n in active if n > slots]

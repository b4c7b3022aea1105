"""Users of a platform who generate courses all the time, each by the stack that the platform's backend chooses."""

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from types import TracebackType
from typing import Self
from uuid import UUID

from app.auth.minting import mint_token
from stack.api import Api
from tests.integration.platform.beside.old_stack import OldStack
from tests.integration.platform.courses import Connection, connect, value

#: The statuses with which a page of the platform lets a user start.
IDLE = (None, "pending", "completed", "failed", "cancelled")
#: Between two starts of a user.
PAUSE_S = 0.2


class Load:
    """As a context manager, the users are at it until it is left, which raises what went wrong for any of them.

    `routed` are the users whom the backend sends to this service. `counts` has what each stack answered.
    """

    def __init__(
        self, owners_url: str, redis_url: str, api: Api, secret: str, courses: Mapping[UUID, Sequence[UUID]]
    ) -> None:
        self.routed: Collection[UUID] = ()
        self.counts: Counter[tuple[str, object]] = Counter()
        self.errors: list[Exception] = []
        self._urls, self._api, self._secret = (owners_url, redis_url), api, secret
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._generate, args=user) for user in courses.items()]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        if error is None and self.errors:
            raise ExceptionGroup("for users", self.errors)

    def _generate(self, user: UUID, courses: Sequence[UUID]) -> None:
        token = mint_token(self._secret, user, "FREE")
        try:
            with connect(self._urls[0]) as conn:
                old = OldStack(conn, self._urls[1])
                for course in cycle(courses):
                    if self._over.wait(PAUSE_S):
                        return
                    if value(conn, course) in IDLE:
                        self._start(conn, old, user, course, token)
        except Exception as error:
            self.errors.append(error)

    def _start(self, conn: Connection, old: OldStack, user: UUID, course: UUID, token: str) -> None:
        is_ours = user in self.routed
        old.form(course)
        if is_ours:
            status, body = self._api.call("POST", "/api/coursegen/generate", token, {"courseId": str(course)})
            self.counts["new", status] += 1
            if status not in (200, 429, 503):  # 503: a busy machine, and nothing was changed
                raise AssertionError(body)
        elif old.start(course):
            self._over.wait(PAUSE_S)
            old.walk(course)
            old.release(course)
            self.counts["old", value(conn, course)] += 1

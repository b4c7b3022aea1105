"""Watching courses: whoever watches one is given each of its changes within a second.

One thread a process looks at all watched courses together, in one query every 0.4 s, and at none while nobody watches.
It holds no connection between looks and needs nothing of a session, which a transaction pooler would not give it. Why
not LISTEN: docs/decisions/2026-11-23-live-progress-polls-the-database.md.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Self
from uuid import UUID

from app.database.deadline import deadline
from app.generation.errors import CourseNotFound, WatchEnded, WatchFull
from app.generation.progress.status import CourseStatus

#: Between two looks.
PAUSE_S = 0.4
#: The longest look.
LOOK_S = 3.0

#: Reads the courses of these ids that exist.
Read = Callable[[Collection[UUID]], Mapping[UUID, CourseStatus]]

log = logging.getLogger(__name__)


class View:
    """One watcher's sight of one course. However slow the watcher, nothing but the latest state is kept for it."""

    def __init__(self, watch: "Watch", lock: threading.Lock, course: CourseStatus) -> None:
        self.course_id = course.course_id
        self._watch = watch
        self._changed = threading.Condition(lock)
        self._course: CourseStatus | None = course
        self._unseen = True
        self._closed = False

    def wait(self, timeout_s: float) -> CourseStatus | None:
        """The course's state as soon as it is another than the last one given; None when so many seconds are over.

        The first call gives what the view began with. Raises `CourseNotFound` once there is no such course, and
        `WatchEnded`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._unseen or self._closed, timeout_s):
                return None
            if self._closed:
                raise WatchEnded
            self._unseen = False
            if self._course is None:
                raise CourseNotFound
            return self._course

    def close(self) -> None:
        """There is room for another; a second call does nothing."""
        self._watch.leave(self)

    def show(self, course: CourseStatus | None) -> None:
        """The watcher is given this unless it has it. For `Watch`, which holds the lock."""
        if course != self._course:
            self._course, self._unseen = course, True
            self._changed.notify()

    def end(self) -> None:
        """The watcher is told that no more will come. For `Watch`, which holds the lock."""
        self._closed = True
        self._changed.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Watch:
    """The views of one process, at most `capacity` of them. Its thread starts with the first."""

    def __init__(self, read: Read, capacity: int, pause_s: float = PAUSE_S) -> None:
        self._read = read
        self._pause = pause_s
        self._capacity = capacity
        self._lock = threading.Lock()
        self._called = threading.Condition(self._lock)
        self._views: set[View] = set()
        self._running = False
        self._closed = False
        self._blind = False

    def view(self, course: CourseStatus) -> View:
        """A view of the course, to be closed, that begins with this state. Raises `WatchFull`, `WatchEnded`."""
        with self._lock:
            if self._closed:
                raise WatchEnded
            if len(self._views) >= self._capacity:
                raise WatchFull
            view = View(self, self._lock, course)
            self._views.add(view)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="watch", daemon=True).start()
            self._called.notify()
            return view

    def leave(self, view: View) -> None:
        """The view is not looked for any more."""
        with self._lock:
            self._views.discard(view)
            view.end()

    def close(self) -> None:
        """Every view has ended, and none begins any more."""
        with self._lock:
            self._closed = True
            for view in self._views:
                view.end()
            self._called.notify()

    def _run(self) -> None:
        while (views := self._wait()) is not None:
            try:
                with deadline(LOOK_S):
                    courses = self._read({view.course_id for view in views})
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look may see again
                if not self._blind:
                    log.warning("watch_blind", extra={"error": f"{type(error).__name__}: {error}"})
                self._blind = True
                continue
            if self._blind:
                log.info("watch_sees_again")
            self._blind = False
            self._show(views, courses)

    def _wait(self) -> set[View] | None:
        """After the pause, the views there are, at least one; None when it is over."""
        with self._called:
            self._called.wait_for(lambda: self._closed, self._pause)
            self._called.wait_for(lambda: self._closed or self._views)
            return None if self._closed else set(self._views)

    def _show(self, views: set[View], courses: Mapping[UUID, CourseStatus]) -> None:
        with self._lock:
            for view in views & self._views:  # what one began with that came since may be newer
                view.show(courses.get(view.course_id))

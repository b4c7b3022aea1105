"""Watching courses: each watcher receives each change of its course within a second.

One thread per process reads all watched courses in one query every 0.4 s, and nothing while there are no watchers. It
holds no connection between reads and needs no session, so it works behind a transaction pooler. Why it
does not use LISTEN: docs/decisions/2026-11-23-live-progress-polls-the-database.md.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from app.database.deadline import deadline
from app.generation.errors import CourseNotFound, UserWatchFull, WatchEnded, WatchFull
from app.generation.progress.status import CourseStatus

#: The pause between two reads.
PAUSE_S = 0.4
#: The longest read.
READ_S = 3.0

#: Reads the courses of these ids that exist.
Read = Callable[[Collection[UUID]], Mapping[UUID, CourseStatus]]

log = logging.getLogger(__name__)


class View:
    """One watcher's view of one course. It keeps the latest state only, however slow the watcher is."""

    def __init__(self, watch: "Watch", lock: threading.Lock, course: CourseStatus, user_id: UUID) -> None:
        self.course_id = course.course_id
        self.user_id = user_id
        self._watch = watch
        self._changed = threading.Condition(lock)
        self._course: CourseStatus | None = course
        self._unseen = True
        self._closed = False
        self._callback: Callable[[], object] = lambda: None

    def on_change(self, callback: Callable[[], object]) -> None:
        """The callback is called, under a lock, when `wait` would return something new or raise."""
        self._callback = callback

    def wait(self, timeout_s: float) -> CourseStatus | None:
        """The course's state once it differs from the last one returned; None after `timeout_s`.

        The first call returns the state that the view started with. Raises `CourseNotFound` once the course is gone,
        and `WatchEnded`.
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
        """Makes room for another view; a second call does nothing."""
        self._watch.remove(self)

    def update(self, course: CourseStatus | None) -> None:
        """Wakes the watcher if the state is new to it. Called by `Watch`, which holds the lock."""
        if course != self._course:
            self._course, self._unseen = course, True
            self._wake()

    def end(self) -> None:
        """Wakes the watcher for the last time. Called by `Watch`, which holds the lock."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.notify()
        self._callback()


class Watch:
    """The views of one process, at most `capacity`, and `per_user` of each user.

    Its thread starts with the first one.
    """

    def __init__(self, read: Read, capacity: int, per_user: int, pause_s: float = PAUSE_S) -> None:
        self._read = read
        self._pause = pause_s
        self._capacity = capacity
        self._per_user = per_user
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._views: set[View] = set()
        self._running = False
        self._closed = False
        self._failing = False

    def view(self, course: CourseStatus, user_id: UUID) -> View:
        """The user's view, which starts with this state; the caller closes it.

        Raises `WatchFull`, `UserWatchFull`, `WatchEnded`.
        """
        with self._lock:
            if self._closed:
                raise WatchEnded
            if len(self._views) >= self._capacity:
                raise WatchFull
            if sum(view.user_id == user_id for view in self._views) >= self._per_user:
                raise UserWatchFull
            view = View(self, self._lock, course, user_id)
            self._views.add(view)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="watch", daemon=True).start()
            self._wake.notify()
            return view

    def remove(self, view: View) -> None:
        """The view has ended and receives nothing more."""
        with self._lock:
            self._views.discard(view)
            view.end()

    def close(self) -> None:
        """Every view has ended, and no new one starts."""
        with self._lock:
            self._closed = True
            for view in self._views:
                view.end()
            self._wake.notify()

    def _run(self) -> None:
        while (views := self._wait()) is not None:
            try:
                with deadline(READ_S):
                    courses = self._read({view.course_id for view in views})
            except Exception as error:  # noqa: BLE001 - the next read may succeed
                if not self._failing:
                    log.warning("course_watch_failed", extra={"error": f"{type(error).__name__}: {error}"})
                self._failing = True
                continue
            if self._failing:
                log.info("course_watch_recovered")
            self._failing = False
            self._update(views, courses)

    def _wait(self) -> set[View] | None:
        """The views after the pause, at least one; None once the watch is closed."""
        with self._wake:
            self._wake.wait_for(lambda: self._closed, self._pause)
            self._wake.wait_for(lambda: self._closed or self._views)
            return None if self._closed else set(self._views)

    def _update(self, views: set[View], courses: Mapping[UUID, CourseStatus]) -> None:
        with self._lock:
            for view in views & self._views:  # a view that was added during the read may have a newer state
                view.update(courses.get(view.course_id))

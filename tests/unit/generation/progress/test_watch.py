"""Many watchers, one reader."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.generation.errors import CourseNotFound, UserWatchFull, WatchEnded, WatchFull
from app.generation.progress.status import CourseStatus
from app.generation.progress.watch import Watch
from tests.conftest import WaitUntil

PAUSE_S = 0.02
SOON_S = 10.0
AT_ONCE_S = 0.0
USER = uuid4()


def make_status(course_id: UUID | None = None, status: str = "initializing", minutes: int = 0) -> CourseStatus:
    return CourseStatus(
        course_id=course_id or uuid4(),
        user_id=uuid4(),
        organization_id=None,
        tag="tag",
        slug="course",
        status=status,
        generation_status=status,
        progress="{}",
        created_at=None,
        updated_at=None,
        minutes=minutes,
        is_stuck=False,
        queue_position=None,
        worker_alive=True,
    )


class Courses:
    """A database of the tests: what is looked up is counted."""

    def __init__(self) -> None:
        self.rows: dict[UUID, CourseStatus] = {}
        self.looks: list[set[UUID]] = []
        self.away = False
        self.meanwhile: Callable[[], object] = lambda: None

    def add(self) -> CourseStatus:
        course = make_status()
        self.rows[course.course_id] = course
        return course

    def change(self, course: CourseStatus, status: str) -> CourseStatus:
        self.rows[course.course_id] = replace(self.rows[course.course_id], generation_status=status)
        return self.rows[course.course_id]

    def read(self, ids: Collection[UUID]) -> Mapping[UUID, CourseStatus]:
        self.looks.append(set(ids))
        if self.away:
            raise ConnectionError
        found = {key: self.rows[key] for key in ids if key in self.rows}
        self.meanwhile()
        return found


@pytest.fixture
def courses() -> Courses:
    return Courses()


@pytest.fixture
def watch(courses: Courses) -> Iterator[Watch]:
    watch = Watch(courses.read, capacity=300, per_user=300, pause_s=PAUSE_S)
    yield watch
    watch.close()


def test_a_view_begins_with_the_state_it_was_given(courses: Courses, watch: Watch) -> None:
    course = courses.add()
    with closing(watch.view(course, USER)) as view:
        assert view.wait(AT_ONCE_S) is course
        assert view.wait(AT_ONCE_S) is None


def test_a_change_is_given_once_and_what_is_merely_older_is_none(courses: Courses, watch: Watch) -> None:
    course = courses.add()
    with closing(watch.view(course, USER)) as view:
        view.wait(AT_ONCE_S)
        changed = courses.change(course, "finalizing")
        assert view.wait(SOON_S) == changed
        courses.rows[course.course_id] = replace(changed, minutes=5)
        assert view.wait(3 * PAUSE_S) is None


def test_a_slow_watcher_is_given_the_latest_state_only(courses: Courses, watch: Watch, wait_until: WaitUntil) -> None:
    course = courses.add()
    with closing(watch.view(course, USER)) as slow, closing(watch.view(course, USER)) as quick:
        quick.wait(AT_ONCE_S)
        for status in ("analyzing_task", "generating_structure"):
            changed = courses.change(course, status)
            assert quick.wait(SOON_S) == changed
        assert slow.wait(AT_ONCE_S) == changed
        assert slow.wait(AT_ONCE_S) is None


def test_every_look_is_at_all_courses_together(courses: Courses, watch: Watch, wait_until: WaitUntil) -> None:
    watched = [courses.add() for _ in range(3)]
    for course in watched * 100:
        watch.view(course, USER)
    seen = len(courses.looks)
    wait_until(lambda: len(courses.looks) >= seen + 3)
    assert courses.looks[-1] == {course.course_id for course in watched}


def test_nobody_looks_while_nobody_watches(courses: Courses, watch: Watch, wait_until: WaitUntil) -> None:
    view = watch.view(courses.add(), USER)
    wait_until(lambda: courses.looks)
    view.close()
    view.close()
    time.sleep(2 * PAUSE_S)
    seen = len(courses.looks)
    time.sleep(3 * PAUSE_S)
    assert len(courses.looks) == seen
    with closing(watch.view(courses.add(), USER)):
        wait_until(lambda: len(courses.looks) > seen)


def test_a_view_that_came_during_a_look_is_not_given_what_is_older(courses: Courses, watch: Watch) -> None:
    course = courses.add()
    came: list[object] = []

    def come() -> None:
        if not came:
            newer = courses.change(course, "finalizing")
            view = watch.view(newer, USER)
            came.append(view.wait(AT_ONCE_S))
            courses.meanwhile = lambda: came.append(view.wait(AT_ONCE_S))

    courses.meanwhile = come
    with closing(watch.view(course, USER)) as view:
        view.wait(AT_ONCE_S)
        view.wait(SOON_S)
        assert view.wait(3 * PAUSE_S) is None
    assert came[0] is not None
    assert set(came[1:]) == {None}


def test_a_course_that_is_gone_ends_its_views(courses: Courses, watch: Watch) -> None:
    course, other = courses.add(), courses.add()
    with closing(watch.view(course, USER)) as view, closing(watch.view(other, USER)) as unconcerned:
        view.wait(AT_ONCE_S)
        unconcerned.wait(AT_ONCE_S)
        del courses.rows[course.course_id]
        with pytest.raises(CourseNotFound):
            view.wait(SOON_S)
        assert unconcerned.wait(AT_ONCE_S) is None


def test_there_is_room_for_so_many_and_for_another_when_one_leaves(courses: Courses) -> None:
    watch = Watch(courses.read, capacity=2, per_user=2)
    course = courses.add()
    first, _ = watch.view(course, USER), watch.view(course, USER)
    with pytest.raises(WatchFull):
        watch.view(course, USER)
    first.close()
    watch.view(course, USER)
    with pytest.raises(WatchFull):
        watch.view(course, USER)
    watch.close()


def test_a_user_has_a_share_of_the_room(courses: Courses) -> None:
    watch = Watch(courses.read, capacity=3, per_user=2)
    first, _ = watch.view(courses.add(), USER), watch.view(courses.add(), USER)
    with pytest.raises(UserWatchFull):
        watch.view(courses.add(), USER)
    watch.view(courses.add(), uuid4())
    with pytest.raises(WatchFull):
        watch.view(courses.add(), uuid4())
    first.close()
    watch.view(courses.add(), USER)
    watch.close()


def test_a_callback_is_called_at_each_change_and_at_the_end(
    courses: Courses, watch: Watch, wait_until: WaitUntil
) -> None:
    calls: list[None] = []
    course = courses.add()
    with closing(watch.view(course, USER)) as view:
        view.on_change(lambda: calls.append(None))
        courses.change(course, "finalizing")
        wait_until(lambda: len(calls) == 1)
        watch.close()
        assert len(calls) == 2


def test_a_reader_that_fails_sees_again(
    courses: Courses, watch: Watch, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    course = courses.add()
    with closing(watch.view(course, USER)) as view:
        view.wait(AT_ONCE_S)
        courses.away = True
        seen = len(courses.looks)
        wait_until(lambda: len(courses.looks) >= seen + 3)
        changed = courses.change(course, "finalizing")
        assert view.wait(AT_ONCE_S) is None
        courses.away = False
        assert view.wait(SOON_S) == changed
    assert [record.message for record in caplog.records] == ["course_watch_failed", "course_watch_recovered"]


def test_the_end_reaches_those_that_wait_and_those_that_come_later(courses: Courses, watch: Watch) -> None:
    course = courses.add()
    view = watch.view(course, USER)
    view.wait(AT_ONCE_S)
    closing = threading.Timer(0.05, watch.close)
    closing.start()
    with pytest.raises(WatchEnded):
        view.wait(SOON_S)
    with pytest.raises(WatchEnded):
        view.wait(SOON_S)
    with pytest.raises(WatchEnded):
        watch.view(course, USER)
    closing.join()

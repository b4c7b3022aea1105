"""Events as rows of the platform's own table, with its foreign keys."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.database.migrations import migrate
from app.generation.events import Event, EventType
from app.services import Services, make_services
from app.settings import Settings
from tests.integration.platform.conftest import MakePlatform
from tests.integration.platform.courses import COURSE, connect

#: A user that the sign-in knows, and one that it does not.
KNOWN, UNKNOWN = UUID(int=0xA2), uuid4()


@pytest.fixture
def url(make_platform: MakePlatform) -> str:
    url = make_platform("stage1")
    migrate(url)
    return url


@pytest.fixture
def services(url: str, settings: Settings) -> Iterator[Services]:
    services = make_services(replace(settings, database_url=url))
    yield services
    services.close()


@pytest.mark.parametrize("user", [KNOWN, UNKNOWN, None], ids=["known user", "unknown user", "no user"])
@pytest.mark.parametrize("course", [COURSE, UNKNOWN, None], ids=["known course", "deleted course", "no course"])
def test_an_id_that_the_platform_refuses_is_kept_in_the_metadata(
    services: Services, url: str, user: UUID | None, course: UUID | None
) -> None:
    services.events.add(Event(EventType.JOB_ROLLBACK, user, course, metadata={"n": 1}))
    services.events.add(Event(EventType.JOB_ROLLBACK, KNOWN, COURSE, metadata={"n": 2}))
    assert services.events.flush()
    with connect(url) as conn:
        found = conn.execute("select user_id, course_id, metadata from system_metrics order by metadata ->> 'n'")
        first, second = found.fetchall()
    refused = {"user_id": str(user)} if user == UNKNOWN else {}
    refused |= {"course_id": str(course)} if course == UNKNOWN else {}
    assert first["metadata"] == {"n": 1} | refused
    assert (first["user_id"], first["course_id"]) == (
        None if user == UNKNOWN else user,
        None if course == UNKNOWN else course,
    )
    assert (second["user_id"], second["course_id"], second["metadata"]) == (KNOWN, COURSE, {"n": 2})

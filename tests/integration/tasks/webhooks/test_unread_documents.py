"""Documents that were not read are named wherever the course is watched; a reader's fault is an event."""

import pytest

from app.generation.stages import Stage
from tests.integration.factories import FILE, MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work
from tests.integration.tasks.webhooks.conftest import SENDING, Connection
from tests.receivers import Receiver

UNREAD = {"total": 2, "unread": [{"id": "2", "name": "b.pdf", "error": "мы не смогли"}]}
FAULT = {"format": "pdf", "place": "pipeline.formats.pdf:1", "error": "IndexError"}


def test_unread_documents_are_in_the_status_and_in_every_later_message(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    receiver: Receiver,
) -> None:
    course = make_course(files=[FILE], estimated_lessons=5)
    generation_id = start_generation(course, webhook_url=receiver.url)
    work(make_worker({Stage.DOCUMENT_PROCESSING: "read_one_of_two"}, **SENDING), "stages", "webhooks")
    assert status_of(conn, generation_id) == "completed"
    [row] = rows(conn, "select generation_progress -> 'metadata' as metadata from courses")
    assert row["metadata"]["documents"] == UNREAD
    assert "Уроков получилось 1, а не 5" in row["metadata"]["outline"]["notes"][0]
    told = [message.json["data"].get("documents") for message in receiver.received]
    assert told == [None, None, *[UNREAD] * (len(told) - 2)]
    assert rows(conn, "select title from coursegen.documents order by position") == [{"title": "Имя"}, {"title": ""}]
    assert rows(conn, "select title from coursegen.sections") == [{"title": "Имя"}]


@pytest.mark.parametrize("handler", ["read_one_of_two", "read_none"])
def test_a_readers_fault_is_an_event_with_its_place(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection, handler: str
) -> None:
    generation_id = start_generation(make_course(files=[FILE]))
    work(make_worker({Stage.DOCUMENT_PROCESSING: handler}))
    assert status_of(conn, generation_id) == ("failed" if handler == "read_none" else "completed")
    query = "select event_type, severity::text, job_id, metadata from coursegen.events"
    assert rows(conn, query) == [
        {"event_type": "document_reader_failed", "severity": "error", "job_id": str(generation_id), "metadata": FAULT}
    ]

"""What is retried, taken over or rolled back is announced once or not at all."""

import threading
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from app.generation.runs import take_over as takeover
from app.generation.stages import Stage
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work, work_until_final
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import claim, run
from tests.integration.tasks.webhooks.conftest import SENDING, Connection
from tests.integration.tasks.webhooks.webhook_messages import (
    ANALYSIS,
    BEGINNING,
    CONTENT,
    END,
    STRUCTURE,
    summaries,
    waiting_jobs,
    written,
)
from tests.receivers import Receiver


def test_a_retried_stage_is_not_announced_again(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    receiver: Receiver,
) -> None:
    generation_id = start_generation(make_course(), webhook_url=receiver.url)
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "fails_once"}, **SENDING)
    work_until_final(app, conn, generation_id)
    assert written(conn, generation_id) == BEGINNING + ANALYSIS + STRUCTURE + CONTENT + END


def test_an_operators_retry_is_announced_from_its_first_stage_with_its_own_id(
    app: Flask,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    receiver: Receiver,
) -> None:
    failed = start_generation(make_course(), webhook_url=receiver.url)
    work(make_worker({Stage.STRUCTURE_GENERATION: "refuses"}, **SENDING), "stages", "webhooks")
    before = len(receiver.received)
    assert app.test_cli_runner().invoke(args=["generations", "retry", str(failed)]).exit_code == 0
    work(make_worker(**SENDING), "stages", "webhooks")
    after = receiver.received[before:]
    assert summaries(after)[0] == ("initializing", 2, 40, "Задача курса проанализирована")
    assert summaries(after)[1:] == STRUCTURE + CONTENT + END
    assert len({message.headers["webhook-id"] for message in receiver.received}) == len(receiver.received)
    assert {message.json["data"]["jobId"] for message in after} != {str(failed)}


def test_exhausted_starts_are_announced_as_a_failure(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course(), webhook_url="https://example.org/")
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker)"
        " select %s, 'STRUCTURE_ANALYSIS', 1, 1000 + n, 'gone' from generate_series(1, 3) n",
        [generation_id],
    )
    conn.execute("delete from procrastinate_jobs where queue_name = 'stages'")
    conn.execute("update coursegen.generations set created_at = now() - interval '1 minute'")
    conn.execute("update coursegen.attempts set outcome = 'died', finished_at = now()")
    takeover.take_over(services.db, services.slots, stalled_s=20, timeouts_s=dict.fromkeys(Stage, 600.0))
    assert status_of(conn, generation_id) == "failed"
    assert written(conn, generation_id)[-1] == ("failed", 2, 20, "Не удалось проанализировать задачу курса")


def test_a_stage_that_was_taken_over_is_announced_once_and_not_by_its_former_run(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    generation_id = start_generation(make_course(), webhook_url="https://example.org/")
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "waits"})
    zombie = threading.Thread(target=run, args=(app, claim(conn, generation_id)))
    zombie.start()
    wait_until((files_root / "hanging").exists)
    assert written(conn, generation_id) == [*BEGINNING, ANALYSIS[0]]
    with psycopg.connect(app.services.settings.database_url, row_factory=psycopg.rows.dict_row) as other:
        other.execute("update coursegen.generations set fence = fence + 1")
    (files_root / "go").touch()
    zombie.join(30)
    assert written(conn, generation_id) == [*BEGINNING, ANALYSIS[0]]
    assert rows(conn, "select status::text from coursegen.generations") == [{"status": "running"}]


def test_a_rolled_back_change_is_not_announced(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course(), webhook_url="https://example.org/")
    with pytest.raises(ZeroDivisionError), services.db.transaction() as inner:
        inner.execute("select coursegen.announce(%s, 'completed', null)", [generation_id])
        raise ZeroDivisionError
    assert written(conn, generation_id) == BEGINNING
    assert waiting_jobs(conn) == 1


def test_a_deleted_course_takes_its_pending_messages_with_it(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    receiver: Receiver,
) -> None:
    start_generation(make_course(), webhook_url=receiver.url)
    conn.execute("delete from courses")
    work(make_worker(**SENDING), "stages", "webhooks")
    assert receiver.received == []
    assert rows(conn, "select 1 from procrastinate_jobs where queue_name in ('stages', 'webhooks')") == []

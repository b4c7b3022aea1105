"""The queue's own write of how a job ended, which comes after ours, is lost."""

import pytest

from tests.faults.support.house import House
from tests.faults.support.measure import Measure
from tests.faults.support.processes import kill
from tests.faults.support.waiting import wait_until
from tests.integration.generation.proxy import Fault, proxied

pytestmark = pytest.mark.slow

FINISH = b"procrastinate_finish_job"

#: The first so many writes of a start, or of a start's end, fail as nothing that anybody foresaw.
REFUSE = """
    create sequence refusals;
    create function refuse() returns trigger language plpgsql as $$
    begin
        if nextval('refusals') <= {times} then raise exception 'made to fail'; end if;
        return new;
    end $$;
    create trigger refuse before {operation} on coursegen.attempts for each row execute function refuse();
"""
REFUSE_NO_MORE = "drop trigger refuse on coursegen.attempts; drop function refuse; drop sequence refusals"


def attempts(house: House) -> list[str]:
    return [row["outcome"] for row in house.rows("select outcome::text from coursegen.attempts order by id")]


def test_a_finish_that_is_lost_is_found_under_a_live_worker(house: House, measure: Measure) -> None:
    with proxied(house.database_url) as proxy:
        house.processes.run("worker", DATABASE_URL=proxy.url)
        proxy.arm(FINISH, Fault.CUT_BEFORE)
        # Of a job whose stage was completed the end is written with that; of others it comes after.
        house.admit([house.course(doing="fails")])
        worker = house.processes.pid("worker")
        with measure("terminal, and no job left", within=120):
            house.settle()
        assert house.processes.pid("worker") == worker
        assert "jobs_disowned" in house.processes.log("worker")
        assert house.statuses() == {"failed": 1}
        assert [outcome for outcome in attempts(house) if outcome != "completed"] == ["failed"] * 3


@pytest.mark.parametrize(
    ("operation", "times", "outcomes"),
    [("insert", 1, ["completed"] * 4), ("update", 3, ["interrupted"] + ["completed"] * 4)],
    ids=["its begin", "its end"],
)
def test_a_run_that_neither_we_nor_the_queue_could_write_is_found_under_a_live_worker(
    house: House, measure: Measure, operation: str, times: int, outcomes: list[str]
) -> None:
    with proxied(house.database_url) as proxy:
        house.processes.run("worker", DATABASE_URL=proxy.url)
        proxy.arm(FINISH, Fault.CUT_BEFORE)
        with house.changed(REFUSE.format(operation=operation, times=times), REFUSE_NO_MORE):
            house.admit([house.course()])
            worker = house.processes.pid("worker")
            with measure("terminal, and no job left", within=120):
                house.settle()
        assert house.processes.pid("worker") == worker
        assert house.statuses() == {"completed": 1}
        assert attempts(house) == outcomes


def test_a_run_that_only_the_queue_could_write_goes_on(house: House, measure: Measure) -> None:
    with house.changed(REFUSE.format(operation="update", times=3), REFUSE_NO_MORE):
        house.admit([house.course()])
        with measure("terminal, and no job left", within=120):
            house.settle()
    assert house.statuses() == {"completed": 1}
    assert attempts(house) == ["interrupted"] + ["completed"] * 4


def test_a_worker_killed_between_our_commit_and_the_queues_finish_has_no_second_effect(
    house: House, measure: Measure
) -> None:
    with proxied(house.database_url) as proxy:
        house.processes.run("worker", DATABASE_URL=proxy.url)
        proxy.arm(FINISH, Fault.FREEZE)
        house.admit([house.course()])
        wait_until(lambda: house.rows("select 1 from coursegen.stage_results"))
        kill(house.processes.pid("worker"))
        with measure("goes on", within=60):
            wait_until(lambda: house.statuses() == {"completed": 1})
        house.settle()

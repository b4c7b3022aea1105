"""Upkeep finds deliveries without a sender, and deletes what is old."""

from uuid import uuid4

from app.generation.webhooks import outbox as webhooks
from app.generation.webhooks.outbox import Attempt, DeliveryState
from app.services import Services
from tasks import upkeep
from tests.integration.generation.conftest import rows
from tests.integration.tasks.webhooks.conftest import (
    Connection,
    StartWithWebhook,
    insert_webhooks,
    jobs,
    let_time_pass,
)


def test_upkeep_rescues_deliveries_without_a_sender_and_no_others(
    services: Services, start_with_webhook: StartWithWebhook, conn: Connection
) -> None:
    held, put_off, stranded, queued = (start_with_webhook(f"https://{n}.example.org/", count=2) for n in range(4))
    conn.execute("delete from procrastinate_jobs where queueing_lock <> %s", [f"webhook:{queued}"])
    claimed, later = (webhooks.claim_delivery(services.db, held, share=4) for _ in range(2))
    assert claimed is not None
    assert later is not None
    assert (claimed.generation_id, later.generation_id) == (held, put_off)
    webhooks.finish_delivery(services.db, later, DeliveryState.PENDING, wait_s=600)
    assert [webhooks.rescue_deliveries(services.db, stalled_s=20) for _ in range(2)] == [1, 0]
    assert jobs(conn, stranded) == [0]
    assert jobs(conn, held) == []
    let_time_pass(conn)
    assert webhooks.rescue_deliveries(services.db, stalled_s=20) == 1
    assert jobs(conn, held) == [0]


def test_what_waits_for_a_sender_at_work_is_not_rescued_before_it_died(services: Services, conn: Connection) -> None:
    made = insert_webhooks(conn, uuid4(), [f"https://{n}.example.org/" for n in range(3)])
    same_host = insert_webhooks(conn, uuid4(), ["https://0.example.org/"])
    conn.execute("delete from procrastinate_jobs where queue_name = 'webhooks'")
    conn.execute(
        "update coursegen.webhook_deliveries set held_until = now() + interval '30 s' where generation_id = %s",
        [made[0]],
    )
    assert webhooks.rescue_deliveries(services.db, stalled_s=20) == 0
    let_time_pass(conn)
    assert webhooks.rescue_deliveries(services.db, stalled_s=20) == len(made + same_host)


def test_a_dead_workers_job_is_deleted_and_a_live_ones_kept(
    services: Services, start_with_webhook: StartWithWebhook, conn: Connection
) -> None:
    for age in ("1 hour", "0 s"):
        conn.execute(
            "with worker as (insert into procrastinate_workers (last_heartbeat) values (now() - %s::interval)"
            " returning id) insert into procrastinate_jobs (queue_name, task_name, status, worker_id)"
            " select 'webhooks', 'tasks.webhooks.deliver', 'doing', id from worker",
            [age],
        )
    webhooks.rescue_deliveries(services.db, stalled_s=20)
    assert len(rows(conn, "select 1 from procrastinate_jobs where status = 'doing'")) == 1


def test_deliveries_are_kept_for_thirty_days_with_their_attempts(
    services: Services, start_with_webhook: StartWithWebhook, conn: Connection
) -> None:
    generation_id = start_with_webhook("https://example.org/", count=3)
    claimed = webhooks.claim_delivery(services.db, generation_id, share=4)
    assert claimed is not None
    webhooks.finish_delivery(services.db, claimed, DeliveryState.PENDING, Attempt(1, 500), wait_s=1)
    conn.execute("update coursegen.webhook_deliveries set created_at = now() - interval '31 days' where seq = 1")
    conn.execute("update coursegen.webhook_deliveries set created_at = now() - interval '29 days' where seq = 2")
    upkeep.prune(services)
    assert rows(conn, "select seq from coursegen.webhook_deliveries order by seq") == [{"seq": 2}, {"seq": 3}]
    assert rows(conn, "select 1 from coursegen.webhook_attempts") == []


def test_a_users_turn_is_kept_for_a_day(services: Services, conn: Connection) -> None:
    conn.execute(
        "insert into coursegen.webhook_turns"
        " select gen_random_uuid(), now() - make_interval(hours => n) from unnest(array[1, 23, 25, 1000]) n"
    )
    upkeep.prune(services)
    assert len(rows(conn, "select 1 from coursegen.webhook_turns")) == 2

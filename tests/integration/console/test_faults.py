"""What *Now* says of the faults that operators meet: each has a sentence, a way to its cause and advice."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from flask import Flask
from psycopg.rows import DictRow

from app.console.serve import THREADS
from app.operations.doctor import Finding, State, examine, examine_servers
from app.operations.overview import list_unserved
from app.services import Services
from tests.conftest import WaitUntil
from tests.integration.console.conftest import SignIn
from tests.integration.factories import add_worker
from tests.integration.operations.rows import Past, minutes, seconds

Conn = psycopg.Connection[DictRow]
RUNBOOK = Path(__file__).resolve().parents[3] / "docs" / "runbook.md"


def found(services: Services, check: str) -> Finding:
    [finding] = [finding for finding in examine_servers(services) if finding.check == check]
    return finding


@contextmanager
def transaction(url: str, statement: str) -> Iterator[int]:
    """Another program's transaction, which has run the statement and stays open; yields its pid."""
    with psycopg.connect(url, application_name="import") as other:
        other.execute(statement.encode())
        yield other.info.backend_pid
        other.rollback()


def test_whoever_locks_the_database_is_named(
    sign_in: SignIn, past: Past, conn: Conn, database_url: str, wait_until: WaitUntil
) -> None:
    past.generation(datetime.now(UTC))
    page, update = sign_in("viewer"), "update courses set updated_at = now()"

    def blockers(open_s: float) -> list[DictRow]:
        return conn.execute("select pid from coursegen.list_blockers_v1(%s)", [open_s]).fetchall()

    def wait() -> None:
        with psycopg.connect(database_url, options="-c statement_timeout=20s") as waiting:
            waiting.execute(update.encode())

    for statement in [update, "lock table courses in access exclusive mode"]:
        with transaction(database_url, statement) as pid:
            assert blockers(60) == []  # nobody waits for it yet
            waiter = threading.Thread(target=wait)
            waiter.start()
            wait_until(lambda: blockers(60))
            shown = page.get("/").text
            refused = page.get("/generations").text if statement.startswith("lock") else ""
        waiter.join(20)
        assert "A transaction of another session locks the database" in shown
        assert f"pid {pid} (" in shown
        assert "import, idle in transaction) holds public.courses" in shown
        assert f"<code>select pg_terminate_backend({pid})</code>" in shown
    assert "locks what this page reads" in refused
    assert blockers(0) == []


def test_a_page_that_can_not_even_wait_for_a_connection_says_so(
    console: Flask, sign_in: SignIn, console_services: Services, wait_until: WaitUntil
) -> None:
    cookie = sign_in().get_cookie("coursegen_console")
    assert cookie
    headers = {"Cookie": f"coursegen_console={cookie.value}"}

    def load() -> str:
        return console.test_client(use_cookies=False).get("/audit", headers=headers).text

    def answers() -> list[str]:
        return [each.result() for each in asked if each.done()]

    with ThreadPoolExecutor(THREADS) as pool:
        with console_services.db.connection(), console_services.db.connection():
            asked = [pool.submit(load) for _ in range(THREADS)]
            wait_until(lambda: any("The console is busy" in text for text in answers()))
        wait_until(lambda: len(answers()) == THREADS)
    assert any("Nobody has changed" in text or "console_sign_in" in text for text in answers())


def test_a_transaction_that_lasts_is_named_before_anybody_waits(
    services: Services, past: Past, database_url: str
) -> None:
    past.generation(datetime.now(UTC))
    for statement, is_strong in [
        ("update courses set updated_at = now()", False),
        ("select 1 from coursegen.generations for update", False),
        ("create index on courses (title)", True),
        ("select 1 from courses", None),  # as a dump does: it keeps out neither readers nor writers
        ("analyze courses", None),  # nor does a vacuum
        ("select 1", None),
    ]:
        with transaction(database_url, statement) as pid, services.db.connection() as conn:
            lasting = conn.execute(
                "select pid, waiting, is_strong, tables from coursegen.list_blockers_v1(0)"
            ).fetchall()
        tables = ["coursegen.generations" if "generations" in statement else "public.courses"]  # and no index
        expected = {"pid": pid, "waiting": 0, "is_strong": is_strong, "tables": tables}
        assert lasting == ([] if is_strong is None else [expected]), statement


def test_whatever_waits_says_that_nobody_serves_it(services: Services, sign_in: SignIn, past: Past, conn: Conn) -> None:
    generation, page = past.generation(datetime.now(UTC), status="queued"), sign_in("viewer")
    add_worker(conn, "stages", silent_s=services.settings.stalled_s + 60)
    add_worker(conn, "upkeep", "webhooks")
    for path in ["/workers", "/queue", f"/generations/{generation}"]:
        shown = page.get(path).text
        assert "Nobody serves the queue stages" in shown, path
        assert "coursegen worker --only stages" in shown, path
    assert list_unserved(services) == ["stages"]
    add_worker(conn, "stages")
    assert list_unserved(services) == []


def test_a_handler_that_hangs_is_found_by_what_its_stage_usually_takes(
    console: Flask, sign_in: SignIn, past: Past, conn: Conn
) -> None:
    now, services = datetime.now(UTC), console.extensions["services"]
    for _ in range(3):
        past.attempt(past.generation(now, now), "TEXT_GENERATION", now - minutes(20), seconds(2), "completed")
    hung = past.generation(now - minutes(3), status="running", stage="TEXT_GENERATION")
    conn.execute("update courses set last_progress_update = null")
    past.attempt(hung, "TEXT_GENERATION", now - minutes(2), None, None, worker="host-a:77")
    usual = past.generation(now - minutes(3), status="running", stage="FINALIZATION")
    past.attempt(usual, "FINALIZATION", now - minutes(2), None, None)  # of which nothing is known
    finding = found(services, "handlers")
    assert (finding.state, finding.values["silent"]) == (State.WARNING, 1)
    assert f"TEXT_GENERATION of {hung} in host-a:77" in finding.found
    assert f"coursegen generations cancel {hung}" in finding.advice
    shown = sign_in("viewer").get("/").text
    assert "a handler has reported nothing for 2 min" in shown.lower()
    assert 'href="/generations?status=running&amp;stuck=1m"' in shown
    conn.execute("update courses set last_progress_update = now()")
    assert found(services, "handlers").state is State.OK


def test_starts_that_are_refused_because_all_places_are_taken_are_a_problem(
    console: Flask, sign_in: SignIn, past: Past
) -> None:
    now, services = datetime.now(UTC), console.extensions["services"]
    past.event("concurrency_limit_hit", now - minutes(1), limit="system", count=4)
    past.event("concurrency_limit_hit", now - minutes(1), limit="user")
    past.event("concurrency_limit_hit", now - minutes(9), limit="system")
    for _ in range(services.settings.global_concurrency_limit):
        assert found(services, "places").state is State.OK
        past.generation(now)
    finding = found(services, "places")
    assert (finding.state, finding.found) == (State.WARNING, "3 of 3 taken, starts refused within 5 min: 4")
    shown = sign_in("viewer").get("/").text
    assert "ll 3 places are taken, and starts are refused" in shown
    assert "<code>coursegen limit</code>" in shown


def test_a_receiver_that_is_dead_is_a_problem(console: Flask, sign_in: SignIn, past: Past, conn: Conn) -> None:
    services = console.extensions["services"]
    generation_id = past.generation(datetime.now(UTC), webhook_url="https://u:pass@lms.example:8443/hook?key=1")
    conn.execute(
        "insert into coursegen.webhook_deliveries"
        " (generation_id, seq, status, step, percentage, message, failures, created_at, due_at)"
        " values (%s, 1, 's', 1, 20, 'm', 2, now() - interval '7 minutes', now() + interval '1 hour')",
        [generation_id],
    )
    services = replace(services, settings=replace(services.settings, webhook_secret="w" * 24))
    assert found(services, "webhook receivers").state is State.OK
    conn.execute("update coursegen.webhook_deliveries set failures = 3")
    assert found(services, "webhooks").state is State.OK  # nothing is overdue
    finding = found(services, "webhook receivers")
    assert (finding.state, "coursegen webhooks list --failed" in finding.advice) == (State.WARNING, True)
    shown = sign_in("viewer").get("/").text
    assert "ebhooks fail at their receivers, for 7 min" in shown
    assert 'href="/webhooks?view=failed"' in shown
    assert "lms.example" not in shown + sign_in("viewer").get("/webhooks").text
    shown = sign_in().get("/webhooks?view=failed").text
    assert "lms.example:8443" in shown
    assert not any(secret in shown for secret in ["pass", "key=1"])


def test_jobs_that_wait_while_nothing_completes_are_an_error(services: Services, past: Past, conn: Conn) -> None:
    now = datetime.now(UTC)
    add_worker(conn, "stages", "upkeep", "webhooks")

    def wait(since: str, due: str | None = None) -> None:
        conn.execute("delete from procrastinate_jobs")
        conn.execute(
            "insert into procrastinate_jobs (queue_name, task_name, scheduled_at)"
            " values ('stages', 't', now() - %s::interval)",
            [due],
        )
        conn.execute("update procrastinate_events set at = now() - %s::interval", [since])

    for waits, due, completed_before, state in [
        ("11 min", None, None, State.ERROR),
        ("9 min", None, None, State.OK),
        ("1 hour", "9 min", None, State.OK),
        ("11 min", None, 12, State.ERROR),
        ("11 min", None, 5, State.OK),
    ]:
        conn.execute("delete from coursegen.generations")
        wait(waits, due)
        failed = past.generation(now, now, "failed")
        past.attempt(failed, "FINALIZATION", now - minutes(1), seconds(1), "failed", error="x")
        if completed_before is not None:
            done = past.generation(now, now)
            past.attempt(done, "FINALIZATION", now - minutes(completed_before), seconds(1), "completed")
        assert found(services, "pace").state is state, (waits, due, completed_before)


def test_secrets_are_compared_by_fingerprints(services: Services) -> None:
    settings = replace(
        services.settings, jwt_secret="a" * 40, jwt_secret_old=("b" * 40,), webhook_secret="whsec_" + "A" * 43 + "="
    )
    said = {finding.check: finding.found for finding in examine(replace(services, settings=settings))}
    # As `printf %s "$JWT_SECRET" | sha256sum` has it.
    assert said["token secret"] == "40 bytes, SHA-256 e33cdf9c, also e26d2da3"
    assert said["webhook secret"].startswith("50 bytes, SHA-256 ")


def test_the_runbook_explains_each_check(services: Services) -> None:
    settings = replace(
        services.settings, webhook_secret="w" * 24, jwt_jwks_url="http://127.0.0.1:1/", old_stack="beside",
        app_env="production", tier_claims=("user_metadata.tier",),
    )  # fmt: skip
    checks = {finding.check for finding in examine(replace(services, settings=settings))} | {"migrations"}
    section = RUNBOOK.read_text(encoding="utf-8").split("## Findings of `doctor`")[1].split("\n## ")[0]
    explained = {name for row in section.splitlines() for name in row.split(" | ")[0].split("`")[1::2]}
    assert checks - {"settings"} <= explained

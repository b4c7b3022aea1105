"""The console in a real browser."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
from playwright.sync_api import Browser
from psycopg.rows import DictRow

from app.auth.operators import ConsoleRole
from app.services import Services
from tests.integration.console.browsing import BROWSING, refresh_until, sign_in, visiting
from tests.integration.factories import add_worker
from tests.integration.operations.rows import Past, minutes
from tests.integration.tasks.processes import wait_until

Conn = psycopg.Connection[DictRow]
pytestmark = BROWSING


def test_from_now_to_the_hanging_course_and_its_end(
    chromium: Browser, url: str, services: Services, conn: Conn
) -> None:
    past = Past(conn)
    hanging = past.generation(datetime.now(UTC) - minutes(30), status="running", stage="TEXT_GENERATION")
    past.attempt(hanging, "TEXT_GENERATION", datetime.now(UTC) - minutes(29), None, None, worker="host-a:7")
    with visiting(chromium) as page:
        sign_in(page, services, url)
        assert "no worker serves stages" in page.get_by_role("heading", level=1).inner_text()
        add_worker(conn, "stages", "upkeep", "webhooks")  # the page learns of it by itself
        page.locator("h1", has_not_text="no worker serves").wait_for()
        page.locator(".problems li", has_text="progress").get_by_role("link", name="Show").click()
        page.locator("tbody tr a").first.click()
        assert "host-a:7 has had text generation in hand for 29 min" in page.get_by_role("main").inner_text()
        page.get_by_label("Reason").first.fill("its handler hangs")
        page.get_by_role("heading", level=1).click()
        past.attempt(hanging, "FINALIZATION", datetime.now(UTC), None, None, worker="host-b:8")
        refresh_until(page, page.get_by_role("cell", name="host-b:8"))
        assert page.get_by_label("Reason").first.input_value() == "its handler hangs"
        page.get_by_role("button", name="Cancel").click()
        assert "Cancelled." in page.get_by_role("status").inner_text()
    row = conn.execute("select reason from coursegen.audit where action = 'cancel'").fetchone()
    assert row == {"reason": "its handler hangs"}


def test_a_failed_course_is_found_by_its_error_and_retried(
    chromium: Browser, url: str, conn: Conn, console_token: Callable[[str | None], str]
) -> None:
    past, now = Past(conn), datetime.now(UTC)
    for number, error in enumerate(["disk is full", "the model sent no JSON", "disk is full"]):
        past.generation(now - minutes(20 + number), now - minutes(10 + number), "failed", error_message=error)
    with visiting(chromium, timezone_id="Asia/Tokyo") as page:
        page.goto(f"{url}/login")
        page.get_by_label("Access token").fill(console_token("operator"))
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Generations").click()
        page.get_by_label("Text of the error").fill("no json")
        page.keyboard.press("Enter")
        page.wait_for_url("**error=no+json*")
        assert page.locator("tbody tr").count() == 1
        started = page.locator("tbody time").first
        assert started.inner_text().startswith(f"{now - minutes(21):%Y-%m-%d %H:%M}")  # in UTC
        assert "min ago" in started.inner_text()
        assert "GMT+9" in started.inner_text()
        page.locator("tbody tr a").first.click()
        assert "the model sent no JSON" in page.get_by_role("main").inner_text()
        page.get_by_label("Reason").first.fill("the model is back")
        page.get_by_role("button", name="Retry from the failed stage").click()
        assert "Admitted again as" in page.get_by_role("status").inner_text()
        page.get_by_role("link", name="Webhooks").click()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Access token").wait_for()


def test_new_rows_are_announced_and_come_when_asked_for(
    chromium: Browser, url: str, services: Services, conn: Conn
) -> None:
    past, now = Past(conn), datetime.now(UTC)
    first = past.generation(now - minutes(9), status="running")
    with visiting(chromium) as page:
        sign_in(page, services, url)
        page.goto(f"{url}/generations")
        past.generation(now - minutes(1))
        past.generation(now - minutes(2))
        conn.execute("update coursegen.generations set status = 'queued' where id = %s", [first])
        refresh_until(page, page.get_by_text("2 new"))
        assert page.locator("tbody tr").count() == 1
        assert "queued" in page.locator("tbody tr").inner_text()  # where it is, it is fresh
        page.get_by_role("button", name="Show").click()
        assert page.locator("tbody tr").count() == 3
        assert not page.get_by_text("2 new").is_visible()
        page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
        page.evaluate("htmx.trigger('#live', 'refresh')")
        page.get_by_text("Waits while something is selected").wait_for()
        page.evaluate("getSelection().removeAllRanges()")
        page.get_by_role("button", name="Pause").click()
        page.evaluate("htmx.trigger('#live', 'refresh')")
        page.get_by_text("Paused ·").wait_for()
        page.get_by_role("button", name="Resume").click()
        page.get_by_text("Paused ·").wait_for(state="detached")


def test_the_charts_are_drawn_from_the_numbers_of_their_tables(
    chromium: Browser, url: str, services: Services, conn: Conn
) -> None:
    past, now = Past(conn), datetime.now(UTC)
    done = past.generation(now - minutes(8), now - minutes(5))
    past.attempt(done, "TEXT_GENERATION", now - minutes(7), minutes(1.5), "completed")
    for has_script in (True, False):
        with visiting(chromium, java_script_enabled=has_script) as page:
            sign_in(page, services, url)
            page.get_by_role("link", name="1 hour").click()
            page.wait_for_url(f"{url}/?span=1h*")
            page.locator("figure summary").first.click()
            counts = page.locator("figure").first.locator("details td:nth-child(2)")
            counts.first.wait_for()  # the numbers are unfolded
            assert sum(map(int, counts.all_text_contents())) == 1
            page.locator("figure summary").last.click()
            assert "90" in page.locator("figure").last.locator("details td").all_text_contents()
            if not has_script:
                continue
            page.locator("figure canvas").nth(1).wait_for()
            legend = page.locator("figure").last.locator(".u-label").all_text_contents()
            assert legend == ["Time", "text generation p50", "text generation p95"]
            add_worker(conn, "stages", "upkeep", "webhooks")
            refresh_until(page, page.locator("h1", has_not_text="no worker serves"))
            assert page.locator("figure canvas").count() == 2  # the fresh region leaves them
            assert page.locator("figure details[open]").count() == 2


def test_an_answer_that_does_not_come_is_said_in_red(chromium: Browser, url: str, services: Services) -> None:
    page = chromium.new_page()
    sign_in(page, services, url)
    page.get_by_text("Updated").wait_for()
    page.route("**/*", lambda route: route.abort())
    page.evaluate("htmx.trigger('#live', 'refresh')")
    page.locator("#freshness .problem").wait_for()
    assert "No answer since" in page.locator("#freshness").inner_text()
    page.unroute("**/*")
    refresh_until(page, page.get_by_text("Updated"))
    assert not page.locator("#freshness .problem").is_visible()
    page.close()


def test_all_that_match_are_cancelled_but_for_those_that_end_meanwhile_and_without_a_script(
    chromium: Browser, url: str, services: Services, conn: psycopg.Connection[DictRow]
) -> None:
    past = Past(conn)
    matching = [past.generation(datetime.now(UTC) - minutes(30), status="running") for _ in range(120)]
    past.generation(datetime.now(UTC))
    with visiting(chromium, java_script_enabled=False) as page:
        sign_in(page, services, url)
        page.goto(f"{url}/generations?stuck=15m")
        page.get_by_label("Act").select_option("Cancel")
        page.get_by_role("button", name="All that match").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Cancel: 120 generations"
        conn.execute(
            "update coursegen.generations set status = 'completed', finished_at = now(), user_slot = null,"
            " system_slot = null where id = any(%s)",
            [matching[:3]],
        )
        page.get_by_label("Reason").fill("the provider is down")
        page.get_by_label("Type the number").fill("120")
        page.get_by_role("button", name="Cancel: 120").click()

        def has_ended() -> bool:
            page.reload()
            return "Ended" in page.get_by_role("status").inner_text()

        wait_until(has_ended, seconds=60)
        assert page.locator(".figures td").all_inner_texts() == ["117", "3", "0", "0"]
        assert page.get_by_role("cell", name="It has ended.").count() == 3
        result = page.url

    with visiting(chromium, java_script_enabled=False) as seen:
        sign_in(seen, services, url, ConsoleRole.VIEWER)
        seen.goto(result)
        assert seen.get_by_role("cell", name="It has ended.").count() == 3
        seen.goto(f"{url}/generations")
        assert seen.get_by_role("checkbox").count() == 0
        token = seen.locator("[name=form_token]").get_attribute("value") or ""
        form: dict[str, str | float | bool] = {"form_token": token, "action": "cancel"}
        assert seen.request.post(f"{url}/bulk", form=form).status == 403
    states = conn.execute("select status::text, count(*) as n from coursegen.generations group by 1").fetchall()
    assert {row["status"]: row["n"] for row in states} == {"cancelled": 117, "completed": 3, "queued": 1}

"""The console in a real browser."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import psycopg
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from psycopg.rows import DictRow

from app.auth.operators import ConsoleRole
from app.generation.audit import Actor
from app.operations.sign_in import create_link
from app.services import Services
from app.settings import Settings
from tests.integration.console.conftest import console_process
from tests.integration.factories import add_worker
from tests.integration.operations.rows import Past, minutes
from tests.integration.tasks.processes import wait_until

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian, Ubuntu: .ci/run installs it)"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    with console_process(settings) as server:
        yield f"http://127.0.0.1:{server.port}"


def sign_in(page: Page, services: Services, url: str, role: ConsoleRole = ConsoleRole.OPERATOR) -> list[str]:
    """The page is *Now*, signed in by a link. Returns what the browser will complain of, the policy included."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    link = create_link(services.db, role, 60, Actor("cli:test"))
    page.goto(f"{url}/login?link={link}")
    page.get_by_role("link", name="Open the console").click()
    page.wait_for_url(f"{url}/")
    return complaints


def test_from_now_to_the_hanging_course_and_its_end(
    chromium: Browser, url: str, services: Services, conn: psycopg.Connection[DictRow]
) -> None:
    past = Past(conn)
    hanging = past.generation(datetime.now(UTC) - minutes(30), status="running", stage="TEXT_GENERATION")
    past.attempt(hanging, "TEXT_GENERATION", datetime.now(UTC) - minutes(29), None, None, worker="host-a:7")
    page = chromium.new_page()
    complaints = sign_in(page, services, url)
    assert "no worker serves stages" in page.get_by_role("heading", level=1).inner_text()
    add_worker(conn, "stages", "upkeep", "webhooks")  # the page learns of it by itself
    page.locator("h1", has_not_text="no worker serves").wait_for()
    page.get_by_role("link", name="Show the courses without progress").click()
    page.locator("tbody a").first.click()
    assert "host-a:7 has had text generation in hand for 29 min" in page.get_by_role("main").inner_text()
    page.get_by_label("Reason").fill("its handler hangs")
    page.get_by_role("button", name="Cancel").click()
    assert "Cancelled." in page.get_by_role("status").inner_text()
    row = conn.execute("select reason from coursegen.audit where action = 'cancel'").fetchone()
    assert row == {"reason": "its handler hangs"}
    assert complaints == []
    page.close()


def test_all_that_match_are_cancelled_but_for_those_that_end_meanwhile_and_without_a_script(
    chromium: Browser, url: str, services: Services, conn: psycopg.Connection[DictRow]
) -> None:
    past = Past(conn)
    matching = [past.generation(datetime.now(UTC) - minutes(30), status="running") for _ in range(120)]
    past.generation(datetime.now(UTC))
    with ExitStack() as stack:
        operator, viewer = (chromium.new_context(java_script_enabled=False) for _ in range(2))
        stack.callback(operator.close)
        stack.callback(viewer.close)
        page, seen = operator.new_page(), viewer.new_page()
        complaints = sign_in(page, services, url)
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
        assert complaints == []

        sign_in(seen, services, url, ConsoleRole.VIEWER)
        seen.goto(page.url)
        assert seen.get_by_role("cell", name="It has ended.").count() == 3
        seen.goto(f"{url}/generations")
        assert seen.get_by_role("checkbox").count() == 0
        token = seen.locator("[name=form_token]").get_attribute("value") or ""
        form: dict[str, str | float | bool] = {"form_token": token, "action": "cancel"}
        assert viewer.request.post(f"{url}/bulk", form=form).status == 403
    states = conn.execute("select status::text, count(*) as n from coursegen.generations group by 1").fetchall()
    assert {row["status"]: row["n"] for row in states} == {"cancelled": 117, "completed": 3, "queued": 1}


def test_pages_fit_a_telephone_in_both_themes_and_need_no_script(
    chromium: Browser, url: str, services: Services, conn: psycopg.Connection[DictRow]
) -> None:
    generation = Past(conn).generation(datetime.now(UTC) - minutes(30), status="running")
    with ExitStack() as stack:
        for has_script in (True, False):
            context = chromium.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=has_script)
            stack.callback(context.close)
            page = context.new_page()
            complaints = sign_in(page, services, url)
            colours = set()
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                for path in ["/", "/generations", f"/generations/{generation}", "/workers", "/slots", "/settings"]:
                    page.goto(url + path)
                    box = page.locator("main").bounding_box()
                    assert box
                    assert box["width"] <= 390, path
                    if has_script:
                        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
                if has_script:
                    colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert len(colours) == (2 if has_script else 0)
            page.keyboard.press("Tab")
            assert page.locator(":focus").inner_text() == "To the content"
            assert complaints == []


def test_an_answer_that_does_not_come_is_said_in_red(chromium: Browser, url: str, services: Services) -> None:
    page = chromium.new_page()
    sign_in(page, services, url)
    page.get_by_text("Updated").wait_for()
    page.route("**/*", lambda route: route.abort())
    page.locator("#freshness .problem").wait_for()
    assert "No answer since" in page.locator("#freshness").inner_text()
    page.close()

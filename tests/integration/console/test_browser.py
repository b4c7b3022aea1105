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


@pytest.fixture
def url(services: Services, settings: Settings) -> Iterator[str]:
    with console_process(settings) as server:
        yield f"http://127.0.0.1:{server.port}"


def sign_in(page: Page, services: Services, url: str) -> list[str]:
    """The page is *Now*, signed in by a link. Returns what the browser will complain of, the policy included."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    link = create_link(services.db, ConsoleRole.OPERATOR, 60, Actor("cli:test"))
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

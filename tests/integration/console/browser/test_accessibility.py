"""Whether everybody can read and use the pages: by axe, by the keyboard, on a telephone, without scripts."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from psycopg.rows import DictRow

from app.services import Services
from tests.integration.console.browser.browsing import BROWSING, sign_in, visiting
from tests.integration.console.test_pages import PAGES
from tests.integration.factories import add_worker
from tests.integration.operations.rows import Past, minutes

Conn = psycopg.Connection[DictRow]
pytestmark = BROWSING
TELEPHONE: Any = {"width": 390, "height": 800}


@pytest.fixture
def generation(conn: Conn) -> UUID:
    """One of everything that pages show."""
    past, now = Past(conn), datetime.now(UTC)
    failed = past.generation(now - minutes(50), now - minutes(40), "failed", error_message="the model sent no JSON")
    past.attempt(failed, "TEXT_GENERATION", now - minutes(45), minutes(2), "failed", error="ValueError: " + "no " * 90)
    running = past.generation(
        now - minutes(30), status="running", stage="TEXT_GENERATION", webhook_url="https://a.test/"
    )
    past.attempt(running, "STRUCTURE_ANALYSIS", now - minutes(29), minutes(1), "completed")
    past.attempt(running, "TEXT_GENERATION", now - minutes(28), None, None, worker="host:1")
    past.event("concurrency_limit_hit", now - minutes(9), count=3)
    conn.execute(
        "insert into coursegen.webhook_deliveries (generation_id, seq, status, step, percentage, message)"
        " values (%s, 1, 'in_progress', 2, 10, 'x')",
        [running],
    )
    conn.execute(
        "insert into coursegen.audit (actor, action, reason, generation_id) values ('cli:ops', 'retry', 'it hung', %s)",
        [running],
    )
    conn.execute("update coursegen.generations set error_message = repeat('x', 2000)")  # one word
    add_worker(conn, "stages")
    return running


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ru", "dark")])
def test_every_page_is_accessible_on_a_telephone(
    chromium: Browser, url: str, services: Services, generation: UUID, language: str, theme: Any
) -> None:
    with visiting(chromium, viewport=TELEPHONE, locale=language, color_scheme=theme) as page:
        page.goto(f"{url}/login")
        assert found(page) == []
        sign_in(page, services, url)
        for path in [*PAGES, f"/generations/{generation}"]:
            page.goto(url + path)
            if path == "/":
                page.locator("figure summary").first.click()
                page.locator("figure canvas").nth(1).wait_for()
            assert (path, found(page)) == (path, [])
            assert page.evaluate("document.documentElement.scrollWidth") == 390, path
            assert page.locator("html").get_attribute("lang") == language
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[theme]


def found(page: Page) -> list[str]:
    """What is serious or critical on the page."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary'][:300]}"
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]


def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    chromium: Browser, url: str, services: Services, generation: UUID
) -> None:
    with visiting(chromium) as page:
        sign_in(page, services, url)
        for path in ["/", "/generations", f"/generations/{generation}"]:
            page.goto(url + path)
            page.keyboard.press("Tab")
            assert page.locator(":focus").inner_text() == "To the content"
            # What a click reaches: links, fields, buttons, what unfolds.
            wanted = page.locator("a[href]:visible, button:visible, input:visible, select:visible, summary:visible")
            reached = {page.evaluate(SIGHT)}
            for _ in range(2 * wanted.count() + 20):
                page.keyboard.press("Tab")
                if (sight := page.evaluate(SIGHT)) is None:
                    break
                assert "outline: none" not in sight, path
                reached.add(sight)
            assert len(reached) >= wanted.count(), path
        page.goto(f"{url}/generations")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")


#: The element that has the focus, by its place in the page, and whether that can be seen. Null at the end of the page.
SIGHT = """() => {
    const focused = document.activeElement;
    if (focused === document.body) return null;
    const style = getComputedStyle(focused);
    return `${[...document.querySelectorAll("*")].indexOf(focused)} outline: ${style.outlineStyle}`;
}"""


def test_pages_need_no_script(chromium: Browser, url: str, services: Services, generation: UUID) -> None:
    with visiting(chromium, viewport=TELEPHONE, java_script_enabled=False) as page:
        sign_in(page, services, url)
        for path in [*PAGES, f"/generations/{generation}"]:
            page.goto(url + path)
            assert page.locator("h1").is_visible()
            assert not page.locator("#freshness").is_visible()

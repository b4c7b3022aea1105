"""A real browser at the console, and what it complains of."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from app.auth.operators import ConsoleRole
from app.generation.audit import Actor
from app.operations.sign_in import create_link
from app.services import Services

CHROMIUM = shutil.which("chromium")
#: The marks of every module that uses a browser: all in one process, with one browser and one console.
BROWSING = [
    pytest.mark.xdist_group("integration/console/browser"),
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian, Ubuntu: .ci/run installs it)"),
]
#: A report of the policy is a message as any other error.
REPORT = "addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`))"


@contextmanager
def running_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a context of its own. At its end nothing was complained of: no error, and no report of the policy."""
    context = browser.new_context(**options)
    page, complaints = context.new_page(), []
    if options.get("java_script_enabled", True):
        context.add_init_script(REPORT)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
        assert complaints == []
    finally:
        context.close()


def sign_in(page: Page, services: Services, url: str, role: ConsoleRole = ConsoleRole.OPERATOR) -> None:
    """The page is *Now*, signed in by a link."""
    link = create_link(services.db, role, 60, Actor("cli:test"))
    page.goto(f"{url}/login?link={link}")
    page.locator("main a.button").click()
    page.wait_for_url(f"{url}/")


def refresh_until(page: Page, sight: Locator) -> None:
    """Asks for the region now, which the page does by itself every 5 s, until that is seen."""
    end = time.monotonic() + 20
    while not sight.is_visible():
        assert time.monotonic() < end
        with page.expect_response(lambda answer: "hx-request" in answer.request.headers):
            page.evaluate("htmx.trigger('#live', 'refresh')")

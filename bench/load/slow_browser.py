"""Chromium on a slow line."""

import shutil
from collections.abc import Mapping

from playwright.sync_api import Browser, sync_playwright

from bench.environment.conditions import wait_until
from bench.environment.debian_tools import ToolMissing

#: What WebPageTest calls 3G.
LINE = {"offline": False, "latency": 300, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 768_000 / 8}
PATIENCE_S = 20.0
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def first_views_ms(url: str, headers: Mapping[str, str], count: int) -> list[float]:
    """Milliseconds until the page is first painted with text, each by a browser that knows nothing of it.

    Raises `ToolMissing` and `BenchError`.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise ToolMissing("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        views = [_first_view_ms(browser, url, headers) for _ in range(count)]
        browser.close()
    return views


def _first_view_ms(browser: Browser, url: str, headers: Mapping[str, str]) -> float:
    context = browser.new_context(extra_http_headers=dict(headers))
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    page.goto(url)
    wait_until(lambda: page.evaluate(PAINTED) is not None, PATIENCE_S, f"{url} was not painted")
    ms = float(page.evaluate(PAINTED))
    context.close()
    return ms

"""One browser and one console for all modules of this folder."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from app.settings import Settings
from tests.integration.console.browser.browsing import running_chromium
from tests.integration.console.conftest import console_process


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A real browser, for all modules that are marked as `BROWSING`."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def url(settings: Settings) -> Iterator[str]:
    """Where a console's own process is, for the browser."""
    with console_process(settings) as server:
        yield f"http://127.0.0.1:{server.port}"

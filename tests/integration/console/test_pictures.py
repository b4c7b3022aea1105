"""The pictures of the documentation, of the console as it is. `make pictures` writes them into `docs/images`."""

import os
from pathlib import Path

import psycopg
from PIL import Image
from playwright.sync_api import Browser
from psycopg.rows import DictRow

from app.services import Services
from tests.integration.console.browsing import BROWSING, sign_in, visiting
from tests.integration.console.busy_day import Day
from tests.integration.serving import ROOT

pytestmark = BROWSING
#: By name: the page, and its height on the picture.
PICTURES = {"now": ("/", 1360), "generations": ("/generations", 700), "generation": ("/generations/{}", 900)}
HEAVIEST = 150_000


def test_each_picture_of_the_docs_can_be_taken(
    chromium: Browser, url: str, services: Services, conn: psycopg.Connection[DictRow], tmp_path: Path
) -> None:
    hanging = Day(conn).write(services.settings.app_version)
    services.slots.rebuild_all(under_way_s=0)
    folder = ROOT / "docs" / "images" if os.environ.get("PICTURES") else tmp_path
    with visiting(chromium, timezone_id="UTC", locale="en") as page:
        sign_in(page, services, url)
        for name, (path, height) in PICTURES.items():
            page.set_viewport_size({"width": 1180, "height": height})
            page.goto(url + path.format(hanging))
            if name == "now":
                assert "1 course has made no progress for 22 min" in page.locator("h1").inner_text()
                page.locator("figure canvas").nth(1).wait_for()
            taken = folder / f"console-{name}.png"
            page.screenshot(path=taken)
            with Image.open(taken) as image:  # 64 colours are enough, and a third of the weight
                image.convert("RGB").quantize(64).save(taken, optimize=True)
            assert taken.stat().st_size < HEAVIEST, name
            assert (ROOT / "docs" / "images" / taken.name).exists(), name

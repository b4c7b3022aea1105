"""Regions that stay fresh, and what ten tabs cost."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow

from app.console import fragments
from app.console.fragments import Snapshots
from tests.conftest import WaitUntil
from tests.integration.console.conftest import SignIn
from tests.integration.factories import add_worker

VENDOR = Path(fragments.__file__).parent / "static" / "vendor"


def test_a_region_comes_alone_and_only_if_it_changed(
    sign_in: SignIn, conn: psycopg.Connection[DictRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "KEPT_S", -1.0)
    browser = sign_in()
    whole = browser.get("/workers").text
    first = browser.get("/workers", headers={"HX-Request": "true"})
    assert "<html" in whole
    assert "<html" not in first.text
    assert first.text in whole
    again = {"HX-Request": "true", "If-None-Match": first.headers["ETag"]}
    same = browser.get("/workers", headers=again)
    assert (same.status_code, same.data) == (304, b"")
    add_worker(conn, "stages")
    changed = browser.get("/workers", headers=again)
    assert (changed.status_code, "host:1" in changed.text) == (200, True)
    assert changed.headers["Cache-Control"] == "no-store"


def test_ten_tabs_at_once_cost_one_reading() -> None:
    snapshots, readings, release = Snapshots(), [], threading.Event()

    def read() -> int:
        readings.append(1)
        release.wait(20)
        return len(readings)

    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(snapshots.get, "now", read) for _ in range(10)]
        release.set()
        assert [each.result(20) for each in asked] == [1] * 10


def test_what_fails_fails_for_all_who_waited_and_for_nobody_later(wait_until: WaitUntil) -> None:
    snapshots, readings, release = Snapshots(), [], threading.Event()

    def read() -> int:
        readings.append(1)
        release.wait(20)
        return 1 // 0

    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(snapshots.get, "now", read) for _ in range(10)]
        wait_until(lambda: snapshots._kept["now"].users == 10)
        release.set()
        assert all(isinstance(each.exception(20), ZeroDivisionError) for each in asked)
    assert len(readings) == 1
    assert snapshots.get("now", lambda: 5) == 5


def test_a_snapshot_is_made_again_when_it_is_old_or_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = Snapshots()
    with pytest.raises(ZeroDivisionError):
        snapshots.get("now", lambda: 1 // 0)
    assert [snapshots.get("now", lambda: 1), snapshots.get("now", lambda: 2), snapshots.get("x", lambda: 3)] == [
        1,
        1,
        3,
    ]
    monkeypatch.setattr(fragments, "KEPT_S", -1.0)
    assert snapshots.get("now", lambda: 4) == 4


def test_the_copied_files_are_unchanged() -> None:
    lines = (VENDOR / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, name in (line.split() for line in lines)}
    assert set(expected) == {path.name for path in VENDOR.iterdir()} - {"SHA256SUMS", "README.md"}
    assert expected == {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in expected}

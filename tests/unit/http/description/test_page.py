"""`/docs`: a page of this service's own files, which Chromium shows under the page's policy."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser
from werkzeug.serving import make_server

from app import create_app
from app.http.description import docs_page
from app.http.description.docs_page import FILES, POLICY, SWAGGER_UI
from app.http.error_responses import ERROR_CODES
from app.settings import Settings
from tests.logs import logging_restored

CHROMIUM = shutil.which("chromium")
#: What Chromium logs if a policy forbids a style or script.
VIOLATION = "Content Security Policy directive"

Show = Callable[[], tuple[LexborHTMLParser, str]]


@pytest.fixture
def show(settings: Settings, tmp_path: Path) -> Iterator[Show]:
    """A function that opens `/docs` in Chromium and returns the page after its scripts ran, and Chromium's log."""
    with logging_restored():
        app = create_app(settings)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()

        def run() -> tuple[LexborHTMLParser, str]:
            options = [
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-sync",
            ]
            options += ["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"]
            options += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom"]
            url = f"http://127.0.0.1:{server.server_port}/docs"
            done = subprocess.run(
                [str(CHROMIUM), *options, url], capture_output=True, text=True, timeout=60, check=True
            )
            return LexborHTMLParser(done.stdout), done.stderr

        yield run
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["services"].close()


needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (Debian, Ubuntu: .ci/run installs it)"
)


def test_it_loads_only_this_services_files(client: FlaskClient) -> None:
    response = client.get("/docs")
    assert response.content_type == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    page = LexborHTMLParser(response.get_data(as_text=True))
    loaded = {
        element.attributes[name]
        for name in ("src", "href")
        for element in page.css(f"head [{name}], script")
        if name in element.attributes
    }
    assert loaded == {"data:,", *(f"/docs/{name}" for name in FILES)}
    assert not page.css("style, [style]")
    assert [script.text() for script in page.css("script")] == ["", ""]


@pytest.mark.parametrize("name", FILES)
def test_its_files_are_served(client: FlaskClient, name: str) -> None:
    response = client.get(f"/docs/{name}")
    assert response.status_code == 200
    assert response.data == (SWAGGER_UI / name).read_bytes()
    assert response.content_type == f"{FILES[name]}; charset=utf-8"


@pytest.mark.parametrize("name", ["SHA256SUMS", "README.md", "..%2fopenapi.yaml", "docs.html"])
def test_no_other_file_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404


def test_the_copied_files_are_unchanged() -> None:
    lines = (SWAGGER_UI / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, name in (line.split() for line in lines)}
    own = {"SHA256SUMS", "README.md", "docs.html", "start.js"}
    assert set(expected) == {path.name for path in SWAGGER_UI.iterdir()} - own
    assert expected == {name: hashlib.sha256((SWAGGER_UI / name).read_bytes()).hexdigest() for name in expected}


@needs_chromium
def test_chromium_shows_every_operation_and_error_under_the_policy(show: Show, client: FlaskClient) -> None:
    page, log = show()
    assert VIOLATION not in log
    document = client.get("/openapi.json").json or {}
    shown = {element.text().strip() for element in page.css(".opblock-summary-path, .opblock-summary-path__deprecated")}
    assert {path.replace("\u200b", "") for path in shown} >= set(document["paths"])
    text = page.body.text() if page.body else ""
    assert all(code in text for code in ERROR_CODES)


@needs_chromium
def test_chromium_logs_what_a_policy_forbids(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_page, "POLICY", POLICY.replace("style-src 'self'", "style-src 'none'"))
    _, log = show()
    assert VIOLATION in log

"""`/docs`: a page that shows all, loads nothing, and is whole without its script."""

import base64
import hashlib
import json
import shutil
import subprocess

import pytest
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser

from app.http.description.document import OPERATIONS
from app.http.description.page.html import FOLDER
from app.http.description.problems import PROBLEMS

#: As much of a browser as the script asks for, then its filter used and its first block copied.
BROWSER = """
const made = [];
const element = (text, parts = {}) => ({
  textContent: text,
  hidden: false,
  on: {},
  append: (child) => made.push(child),
  addEventListener(name, act) { this.on[name] = act; },
  querySelector: (name) => parts[name],
});
const blocks = [element("curl one"), element("curl two")];
const operations = [element("POST generate user_limit"), element("GET livez")];
const input = element("");
const label = Object.assign(element("", { input }), { hidden: true });
const copied = [];
const clipboard = { writeText: async (text) => copied.push(text) };
globalThis.document = {
  querySelectorAll: (selector) => (selector === "pre" ? blocks : operations),
  querySelector: (selector) => (selector === ".filter" ? label : undefined),
  createElement: () => element(""),
};
Object.defineProperty(globalThis, "navigator", { value: { clipboard } });
globalThis.setTimeout = () => {};
"""
USE = """
const hidden = () => operations.map((operation) => operation.hidden);
input.on.input({ target: { value: " USER_limit  generate" } });
const filtered = hidden();
input.on.input({ target: { value: "" } });
made[1].on.click().then(() => {
  const buttons = made.map((button) => button.textContent);
  console.log(JSON.stringify({ filtered, all: hidden(), copied, buttons, shown: !label.hidden }));
});
"""


@pytest.fixture(scope="module")
def page(client: FlaskClient) -> LexborHTMLParser:
    return LexborHTMLParser(client.get("/docs").get_data(as_text=True))


def test_it_loads_nothing_and_runs_only_what_it_holds(client: FlaskClient, page: LexborHTMLParser) -> None:
    response = client.get("/docs")
    assert response.content_type == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    for name, source in (("style", "style-src"), ("script", "script-src")):
        [element] = page.css(name)
        digest = hashlib.sha256((element.text() or "").encode()).digest()
        assert policy[source] == f"'sha256-{base64.b64encode(digest).decode()}'"
    for element in page.css("*"):
        for attribute, value in element.attributes.items():
            assert not attribute.startswith("on")
            assert attribute != "style"
            if attribute in {"src", "href"}:
                assert value == "data:," or value == "/openapi.json" or (value or "").startswith("#"), value


def test_it_shows_every_operation_and_every_code(page: LexborHTMLParser) -> None:
    shown = {element.attributes["id"] for element in page.css(".operation")}
    assert shown == {operation.id for operation in OPERATIONS} | {"webhook"}
    for code, problem in PROBLEMS.items():
        [row] = page.css(f"#error-{code}")
        assert problem.cause.replace("`", "") in row.text()
    text = page.body.text() if page.body else ""
    assert "{{" not in text
    assert "$ref" not in text


def test_every_link_leads_somewhere(page: LexborHTMLParser) -> None:
    ids = [element.attributes["id"] for element in page.css("[id]")]
    assert len(ids) == len(set(ids))
    for link in page.css('a[href^="#"]'):
        assert (link.attributes["href"] or "")[1:] in ids


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed (Debian, Ubuntu: .ci/run installs it)")
def test_its_script_filters_and_copies() -> None:
    program = f"{BROWSER}{{ {(FOLDER / 'page.js').read_text(encoding='utf-8')} }}{USE}"
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "filtered": [False, True],
        "all": [False, False],
        "copied": ["curl two"],
        "buttons": ["Copy", "Copied"],
        "shown": True,
    }

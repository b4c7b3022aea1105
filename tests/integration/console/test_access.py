"""Who may sign in at the console, and the headers that their browser gets."""

import re
from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow

from app.auth.operators import ConsoleRole
from app.console.delivery import STYLE
from app.generation.audit import Actor
from app.operations.sign_in import create_link
from app.services import Services
from tests.integration.console.conftest import SignIn

Conn = psycopg.Connection[DictRow]


def form_token(browser: FlaskClient) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', browser.get("/audit").text)
    assert found
    return found[1]


def test_a_stranger_gets_the_sign_in_and_nothing_else(console: Flask) -> None:
    browser = console.test_client()
    for path in ["/", "/generations", "/audit", "/nothing"]:
        answer = browser.get(path)
        assert answer.status_code == 401
        assert "Access token" in answer.text
    assert browser.get("/healthz").json == {"status": "ok"}


def test_a_link_signs_in_once_and_with_its_role(console: Flask, console_services: Services, conn: Conn) -> None:
    link = create_link(console_services.db, ConsoleRole.VIEWER, 60, Actor("cli:night", "sign-in is down"))
    first, second = console.test_client(), console.test_client()
    assert "Set-Cookie" not in second.head("/login", query_string={"link": link}).headers
    answer = first.get("/login", query_string={"link": link})
    assert (answer.status_code, "You are signed in" in answer.text) == (200, True)
    assert "viewer" in first.get("/").text
    again = second.get("/login", query_string={"link": link})
    assert (again.status_code, "used before" in again.text) == (401, True)
    assert second.get("/").status_code == 401
    audit = conn.execute("select actor, action, reason from coursegen.audit order by id").fetchall()
    assert [tuple(row.values()) for row in audit] == [
        ("cli:night", "console_link", "sign-in is down"),
        ("console:link of cli:night", "console_sign_in", None),
    ]


def test_a_link_expires(console: Flask, console_services: Services, conn: Conn) -> None:
    link = create_link(console_services.db, ConsoleRole.ADMIN, 60, Actor("cli:night"))
    conn.execute("update coursegen.console_links set expires_at = now()")
    assert console.test_client().get("/login", query_string={"link": link}).status_code == 401


def test_neither_link_nor_session_can_be_read_from_the_database(
    sign_in: SignIn, console_services: Services, conn: Conn
) -> None:
    link = create_link(console_services.db, ConsoleRole.ADMIN, 60, Actor("cli:night"))
    cookie = sign_in().get_cookie("coursegen_console")
    assert cookie
    rows = conn.execute("select hash from coursegen.console_links union select hash from coursegen.console_sessions")
    kept = b"".join(row["hash"] for row in rows)
    assert link.encode() not in kept
    assert cookie.value.encode() not in kept


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(
    console: Flask, console_token: Callable[[str], str]
) -> None:
    for host, secure in [("127.0.0.1:8001", False), ("[::1]:8001", False), ("ops.example", True)]:
        form = {"token": console_token("operator"), "back": "/generations?status=failed"}
        answer = console.test_client().post("/login", data=form, headers={"Host": host})
        assert (answer.status_code, answer.location) == (303, "/generations?status=failed")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Max-Age=28800" in cookie
        assert ("Secure" in cookie) is secure, host


def test_a_sign_in_leads_nowhere_else(console: Flask, console_token: Callable[[str], str]) -> None:
    for back in ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", ""]:
        answer = console.test_client().post("/login", data={"token": console_token("viewer"), "back": back})
        assert answer.location == "/", back


def test_a_page_that_needs_a_sign_in_leads_nowhere_else(console: Flask) -> None:
    browser = console.test_client()
    for path in ["/%5Cevil.example", "/%09/evil.example", "/%E2%80%A8/evil.example"]:
        shown = browser.get(path).text
        assert not re.search(r'(href|value)="[^"?]*evil', shown), path
    assert 'href="/generations?status=failed"' in browser.get("/generations?status=failed").text


def test_no_origin_host_or_method_is_a_fault(sign_in: SignIn) -> None:
    browser = sign_in()
    for headers in [{"Origin": "http://["}, {"Origin": "x"}, {"Origin": ""}]:
        assert browser.post("/logout", headers=headers).status_code == 403, headers
    assert browser.get("/", headers={"Host": "x" * 300}).status_code == 400
    answer = browser.delete("/queue")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "HEAD", "OPTIONS"})


def test_only_the_claim_of_the_console_opens_it(console: Flask, console_token: Callable[[object], str]) -> None:
    """The tokens name a superadmin of the API, too."""
    for role in [None, "superadmin", "ADMIN", "", 5, ["admin"]]:
        token = console_token(role)
        assert console.test_client().post("/login", data={"token": token}).status_code == 401, role
        assert console.test_client().get("/", headers={"Authorization": f"Bearer {token}"}).status_code == 401, role


def test_a_token_in_the_header_needs_no_session(console: Flask, console_token: Callable[[str], str]) -> None:
    answer = console.test_client().get("/", headers={"Authorization": f"Bearer {console_token('viewer')}"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    for forged in ["Bearer a.b.c", "Basic abc", "Bearer", ", ,x"]:
        assert console.test_client().get("/", headers={"Authorization": forged}).status_code == 401


def test_the_password_of_a_proxy_ends_no_session_and_a_bad_token_does(sign_in: SignIn) -> None:
    browser = sign_in()
    for header, status in [("Basic dTpw", 200), ("Bearer a.b.c", 401), ("bearer", 401)]:
        assert browser.get("/queue", headers={"Authorization": header}).status_code == status, header


def test_a_forged_session_is_signed_out(console: Flask) -> None:
    for cookie in ["x", "x" * 5000, "\xff", "'or'1"]:
        browser = console.test_client(use_cookies=False)
        answer = browser.get("/", headers={"Cookie": f"coursegen_console={cookie}"})
        assert (answer.status_code, "Your session has ended" in answer.text) == (401, True), cookie


def test_a_session_ends_after_its_time_and_when_it_is_left(sign_in: SignIn, conn: Conn) -> None:
    expired, left = sign_in(), sign_in()
    cookie = left.get_cookie("coursegen_console")
    assert left.post("/logout", data={"form_token": form_token(left)}).status_code == 303
    assert cookie
    left.set_cookie("coursegen_console", cookie.value)  # kept by somebody
    assert left.get("/").status_code == 401
    conn.execute("update coursegen.console_sessions set expires_at = now()")
    assert expired.get("/").status_code == 401


def test_forms_come_from_the_console_itself(sign_in: SignIn) -> None:
    browser = sign_in()
    sent = {"form_token": form_token(browser)}
    for headers in [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ]:
        assert browser.post("/slots/rebuild", data=sent, headers=headers).status_code == 403, headers
    for headers in [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}]:  # these lack a reason
        assert browser.post("/slots/rebuild", data=sent, headers=headers).status_code == 400, headers


def test_forms_carry_the_token_of_their_session(sign_in: SignIn) -> None:
    browser, other = sign_in(), sign_in()
    for sent in [None, "", "0" * 64, "é", form_token(other)]:
        data = {} if sent is None else {"form_token": sent}
        assert browser.post("/logout", data=data).status_code == 403, sent
    assert browser.get("/audit").status_code == 200


def test_every_answer_forbids_frames_caches_and_foreign_content(console: Flask, sign_in: SignIn) -> None:
    stranger, operator = console.test_client(), sign_in()
    for answer in [stranger.get("/"), stranger.get("/healthz"), operator.get("/"), operator.get("/nothing")]:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        text = answer.text.replace(f"<style>{STYLE}</style>", "", 1)
        assert not re.search(r"<script(?! src=./static/)|<style| style=|//[a-z]", text)


def test_pages_cannot_write(console: Flask) -> None:
    with (
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        console.extensions["reading"].db.transaction() as conn,
    ):
        conn.execute("delete from coursegen.audit")


def test_a_statement_of_a_page_ends_after_two_seconds(console: Flask) -> None:
    with console.extensions["reading"].db.connection() as conn:
        row = conn.execute("select current_setting('statement_timeout') as ms").fetchone()
    assert row == {"ms": "2s"}

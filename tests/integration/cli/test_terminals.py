"""No command prints text of the database that a terminal would execute."""

import ast
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.cli.output import CommandFailed
from tests.integration.factories import MakeCourse
from tests.tokens import SECRET

ROOT = Path(__file__).resolve().parents[3]
Conn = psycopg.Connection[DictRow]

#: The title of the window, the screen cleared, C1's CSI, a change of direction, a line drawn over.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\x7f\u2028Курс"
PROGRESS = {
    "percentage": 10,
    "current_step": 1,
    "message": HOSTILE,
    "files": [],
    "steps": [{"id": n, "name": HOSTILE, "status": "completed", "error": HOSTILE} for n in range(1, 6)],
}


#: Somebody else's trigger writes the progress that is followed, and ends it.
OVERWRITE = f"""
    create function public.overwrite() returns trigger language plpgsql as $$ begin
        new.generation_progress := '{json.dumps(PROGRESS)}';
        new.status := 'failed';
        update coursegen.generations set status = 'failed', finished_at = now(), user_slot = null, system_slot = null
        where finished_at is null;
        return new;
    end $$;
    create trigger overwrite before update on courses for each row execute function public.overwrite()
""".encode()


@pytest.fixture
def failed(conn: Conn, make_course: MakeCourse) -> UUID:
    """A failed generation, its webhook, its attempts and its events, with hostile text wherever there is text."""
    course = make_course(slug=HOSTILE, title=HOSTILE, status="failed", generation_progress=Jsonb(PROGRESS))
    conn.execute("update courses set error_message = %s where id = %s", [HOSTILE, course.id])
    generation_id = UUID(int=7)
    conn.execute(
        """
        insert into coursegen.generations
            (id, course_id, user_id, tier, priority, stage, status, source, webhook_url, request_id, ended_by,
             error_message, error_details, finished_at)
        values (%(id)s, %(course)s, %(user)s, 'FREE', 1, 'FINALIZATION', 'failed', %(text)s, %(text)s, %(text)s,
            %(text)s, %(text)s, to_jsonb(%(text)s::text), now())
        """,
        {"id": generation_id, "course": course.id, "user": course.user_id, "text": HOSTILE},
    )
    conn.execute(
        """
        insert into coursegen.attempts (generation_id, stage, fence, job_id, worker, finished_at, outcome, error)
        values (%s, 'FINALIZATION', 1, 1, %s, now(), 'failed', %s)
        """,
        [generation_id, HOSTILE, HOSTILE],
    )
    conn.execute(
        """
        insert into coursegen.webhook_deliveries
            (generation_id, seq, status, step, percentage, message, error, failures)
        values (%s, 1, 'failed', 1, 0, %s, %s, 1)
        """,
        [generation_id, HOSTILE, HOSTILE],
    )
    conn.execute(
        """
        insert into coursegen.webhook_attempts (generation_id, seq, ms, error, excerpt) values (%s, 1, 5, %s, %s)
        """,
        [generation_id, HOSTILE, HOSTILE],
    )
    conn.execute(
        "insert into system_metrics (event_type, severity, job_id, metadata) values ('job_rollback', 'error', %s, %s)",
        [HOSTILE, Jsonb({HOSTILE: HOSTILE})],
    )
    return generation_id


def assert_inert(text: str) -> None:
    assert [hex(ord(c)) for c in text if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        "events",
        "events --json",
        "generations list",
        "generations list --json",
        "generations show ID",
        "generations show ID --json",
        "generations log ID",
        "generations retry --status failed --dry-run",
        "generations cancel ID",
        "audit",
        "queue",
        "workers",
        "webhooks list",
        "webhooks list --json",
        "webhooks pending",
        "webhooks show ID",
        "webhooks show ID --json",
        "webhooks resend ID",
        "metrics failure_causes",
        "metrics failure_causes --format json",
        "metrics refusals",
        "slots",
        "slots --json",
        "doctor",
        "generate COURSE --watch",
        "generate COURSE --watch --json",
    ],
)
def test_what_a_command_prints_is_inert(app: Flask, failed: UUID, conn: Conn, arguments: str) -> None:
    course = conn.execute("select id from courses").fetchone()
    assert course is not None
    words = [
        str(failed) if word == "ID" else str(course["id"]) if word == "COURSE" else word for word in arguments.split()
    ]
    if "--watch" in words:
        conn.execute(OVERWRITE)
    try:
        done = app.test_cli_runner().invoke(args=words)
    finally:
        conn.execute("drop function if exists public.overwrite cascade")
    assert not isinstance(done.exception, TypeError | ValueError | KeyError), done.output
    assert_inert(done.stdout)
    assert_inert(done.stderr)
    if "--json" in words and "--watch" not in words:
        json.loads(done.stdout)


@pytest.mark.parametrize(
    "arguments", ["metrics failure_causes --format csv", "generate COURSE --watch", "generations list"]
)
def test_a_terminal_itself_receives_no_sequence_of_theirs(
    failed: UUID, conn: Conn, database_url: str, redis_url: str, arguments: str
) -> None:
    course = conn.execute("select id from courses").fetchone()
    assert course is not None
    words = [str(course["id"]) if word == "COURSE" else word for word in arguments.split()]
    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_SECRET": SECRET, "TERM": "xterm"}
    conn.execute(OVERWRITE)
    try:
        shown = run_on_terminal(
            [sys.executable, "-m", "coursegen", *words], {"PATH": os.environ["PATH"], **environment}
        )
    finally:
        conn.execute("drop function if exists public.overwrite cascade")
    assert "owned" in shown
    if words[0] == "generations":
        assert max(map(len, shown.splitlines())) <= 80
    for sequence in ("\x1b]", "\x1b[2J", "\x9b", "\u202e", "\x07", "\x7f"):
        assert sequence not in shown


def run_on_terminal(command: list[str], environment: dict[str, str]) -> str:
    """All that the command writes to a terminal."""
    reading, writing = pty.openpty()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=writing, stderr=writing) as process:
        os.close(writing)
        shown = b""
        try:
            while data := os.read(reading, 65536):
                shown += data
        except OSError:  # how a terminal says that nobody writes to it any more
            pass
        os.close(reading)
        process.wait(30)
    return shown.decode()


def test_an_error_is_inert_too() -> None:
    assert_inert(CommandFailed(HOSTILE).format_message())


def test_commands_print_in_one_way() -> None:
    for module in (ROOT / "app" / "cli").rglob("*.py"):
        if module.name == "output.py":
            continue
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            assert name not in ("secho", "print", "ClickException", "echo_via_pager"), module
            if isinstance(node, ast.Attribute) and node.attr == "echo":
                raise AssertionError(module)

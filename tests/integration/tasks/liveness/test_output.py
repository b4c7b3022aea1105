"""What a worker writes: JSON lines alone, which hold up nothing."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import proxied
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.liveness.conftest import FAST, Connection
from tests.integration.tasks.processes import wait_until
from tests.tokens import SECRET

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    needed = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_SECRET": SECRET, "FILES_ROOT": str(tmp_path)}
    return {**os.environ, **needed, **FAST, "SHUTDOWN_GRACE_S": "3"}


def test_every_line_of_every_worker_is_json_whatever_befalls_them(
    environment: dict[str, str], conn: Connection, database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "workers.log"
    with proxied(database_url) as proxy, log.open("wb") as output:
        command = [sys.executable, "-m", "coursegen", "worker"]
        values = {**environment, "DATABASE_URL": proxy.url}
        process = subprocess.Popen(command, cwd=ROOT, env=values, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: len(rows(conn, "select 1 from coursegen.workers")) == 3)
            proxy.refuse()
            wait_until(lambda: "listen_lost" in log.read_text(), seconds=60)
            victim = next(child for child in psutil.Process(process.pid).children() if "upkeep" in child.cmdline())
            victim.kill()
            wait_until(lambda: "child_ended" in log.read_text())
            proxy.refuse(False)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(30)
    assert code == 0
    for line in log.read_text(encoding="utf-8").splitlines():
        assert {"timestamp", "level", "message", "service"} <= json.loads(line).keys()


def test_what_is_printed_or_never_caught_is_a_line_too() -> None:
    code = """
import sys, threading
from app.telemetry.log import configure_logging, only_lines
configure_logging("worker", "INFO", "test", "1")
with only_lines():
    print("first\\nsecond")
    print("third", file=sys.stderr)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    raise ValueError("at last")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("text") for line in lines] == ["first", "second", "third", None, None]
    assert ["ZeroDivisionError" in lines[3]["exc_info"], "at last" in lines[4]["exc_info"]] == [True, True]
    assert (done.returncode, done.stderr) == (1, "")


def test_a_worker_whose_log_nobody_reads_serves_and_ends_within_its_grace(
    environment: dict[str, str],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
) -> None:
    command = [sys.executable, "-m", "coursegen", "worker", "--only", "stages"]
    values = {**environment, "LOG_LEVEL": "DEBUG"}
    process = subprocess.Popen(command, cwd=ROOT, env=values, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    try:
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        for _ in range(3):
            generation_id = start_generation(make_course())
            wait_until(lambda done=generation_id: status_of(conn, done) == "completed")  # type: ignore[misc]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_an_api_whose_log_nobody_reads_answers(environment: dict[str, str]) -> None:
    from stack.api import Api
    from stack.server import HOST, free_port

    port = free_port()
    values = {**environment, "HOST": HOST, "PORT": str(port), "API_PROCESSES": "1"}
    command = [sys.executable, "-m", "app.server"]
    process = subprocess.Popen(command, cwd=ROOT, env=values, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    api = Api(f"http://{HOST}:{port}")
    try:
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        wait_until(api.ready)
        for _ in range(300):
            status, _ = api.call("GET", "/api/coursegen/generate", "", None)
            assert status == 405
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    finally:
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.xdist_group("waits")
def test_a_database_that_is_read_only_for_a_while_ends_no_process(
    environment: dict[str, str],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    database_url: str,
    tmp_path: Path,
) -> None:
    log = tmp_path / "workers.log"
    generation_id = start_generation(make_course())
    [database] = rows(conn, "select current_database() as name")
    conn.execute(f"alter database {database['name']} set default_transaction_read_only = on")
    with log.open("wb") as output:
        command = [sys.executable, "-m", "coursegen", "worker"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            # Each of three workers finds it out more often than it would take to be without a pulse.
            wait_until(lambda: log.read_text().count("database_read_only") >= 18, seconds=60)
            assert process.poll() is None
            assert "child_ended" not in log.read_text()
            conn.execute(f"alter database {database['name']} reset default_transaction_read_only")
            wait_until(lambda: status_of(conn, generation_id) == "completed", seconds=60)
        finally:
            conn.execute(f"alter database {database['name']} reset default_transaction_read_only")
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0

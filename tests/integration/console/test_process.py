"""`coursegen console` as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from app.settings import Settings
from stack.server import free_port
from tests.conftest import WaitUntil
from tests.integration.serving import Server
from tests.tokens import SECRET

ROOT = Path(__file__).resolve().parents[3]


def test_it_serves_in_one_process_without_a_database_and_ends_at_a_signal(
    settings: Settings, wait_until: WaitUntil
) -> None:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": settings.redis_url,
        "JWT_SECRET": SECRET,
        "CONSOLE_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "coursegen", "console"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, text=True
    )
    try:
        server = Server(process, port)
        wait_until(lambda: server.status("/healthz") == 200)
        assert len(psutil.Process(process.pid).children(recursive=True)) == 1
        status, page = server.ask("GET", "/", headers=[("Cookie", "coursegen_console=x")])
        assert (status, b"The database can&#39;t be used" in page) == (503, True)
        assert server.stop() == 0
    finally:
        process.kill()
        process.wait()

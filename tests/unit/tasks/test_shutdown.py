"""A worker that is asked to end is gone within its grace, also on a host without threads or processes left."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

#: A worker whose host has no thread left once it runs, and whose job never ends.
STARVED = """
import asyncio, os, signal, sys, threading
from app.telemetry.log import configure_logging
from tasks.queue.pulse import Pulse
from tasks.queue.shutdown import Shutdown

def no_thread(self):
    raise RuntimeError("can't start new thread")

async def end():
    await asyncio.sleep(0.2)
    threading.Thread.start = no_thread
    os.kill(os.getpid(), signal.SIGTERM)

async def main():
    ending = asyncio.create_task(end())
    await Shutdown(1.0, {1}).run(asyncio.sleep(600), Pulse(20, lambda: True), forever=True)

configure_logging("worker", "INFO", "test", "1")
asyncio.run(main())
"""


def test_a_worker_that_can_start_no_thread_ends_on_a_signal() -> None:
    process = subprocess.run(
        [sys.executable, "-c", STARVED], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert process.returncode == 1
    assert "Traceback" not in process.stderr

"""Processes whose host's clock is wrong."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent / "other_time"
LOOK = """
import datetime, json, time
now = datetime.datetime.now(datetime.UTC)
print(json.dumps([time.time(), now.timestamp(), time.monotonic()]))
"""


def shifted(seconds: int) -> dict[str, str]:
    """The environment of a Python that reads another time of day than the rest of the world; its timers run as ever."""
    path = os.pathsep.join(filter(None, [str(FOLDER), os.environ.get("PYTHONPATH")]))
    environment = {"PYTHONPATH": path, "CLOCK_OFF_S": str(seconds)}
    command = [sys.executable, "-c", LOOK]
    said = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    wall, date, monotonic = json.loads(said.stdout)
    assert abs(wall - time.time() - seconds) < 60
    assert abs(date - time.time() - seconds) < 60
    assert abs(monotonic - time.monotonic()) < 60
    return environment

"""The running service keeps what it says of itself: schemathesis asks for every operation of `/openapi.json`."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from stack.server import HOST
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.serving import ROOT, Server, StartServer

pytestmark = pytest.mark.slow

ST = Path(sys.executable).with_name("st")

#: What must have been answered, or the course of the examples was not the one that exists.
REACHED = {
    "/api/coursegen/generate": {200, 400, 401, 404, 409, 415},
    "/api/courses/X/cancel": {200, 401, 404, 409},
    "/api/courses/X/check-status": {200, 401, 404},
    "/api/courses/X/events": {200, 401, 404},
    "/trpc/generation.initiate": {200, 400, 401, 404, 409, 415},
    "/trpc/generation.cancel": {400, 401, 404, 415},
    "/trpc/generation.status": {200, 400, 401, 404},
    "/docs": {200, 304},
    "/docs/start.js": {200},
    "/openapi.json": {200},
}


@pytest.fixture
def server(clean: None, start_server: StartServer, wait_until: WaitUntil) -> Iterator[Server]:
    server = start_server()
    wait_until(lambda: server.status("/readyz") == 200)
    yield server
    server.stop()


def test_nothing_is_answered_that_is_not_described(server: Server, make_course: MakeCourse, token: MakeToken) -> None:
    user = uuid4()
    course = make_course(user_id=user)
    environment = {
        "PATH": os.environ["PATH"],
        "API": f"http://{HOST}:{server.port}",
        "TOKEN": token(user, "PREMIUM", exp=9_999_999_999),
        "COURSE_ID": str(course.id),
        "SLUG": course.slug,
    }
    command = [
        str(ST),
        "--config-file",
        "tests/conformance/schemathesis.toml",
        "run",
        f"{environment['API']}/openapi.json",
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    answered: dict[str, set[int]] = defaultdict(set)
    for line in map(json.loads, server.lines):
        if line["message"] == "request":
            route = re.sub(r"(?s)^/api/courses/.*/", "/api/courses/X/", line["path"])
            answered[route].add(line["status"])
    assert {route: REACHED[route] - answered[route] for route in REACHED} == {route: set() for route in REACHED}

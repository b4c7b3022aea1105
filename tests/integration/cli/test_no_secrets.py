"""No process and no command shows a secret in its output or its arguments, whether its URLs are good or broken."""

import base64
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest import mock
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import psutil
import pytest
from flask.testing import FlaskCliRunner

from app import create_app
from app.settings import BadSettings
from stack.server import free_port
from tests.conftest import WaitUntil
from tests.logs import logging_restored

ROOT = Path(__file__).resolve().parents[3]
MARKER = "S3cr3tMark"
#: A webhook's secret is base64; this is one that has the marker in it as it is.
ENCODED = base64.b64encode(base64.b64decode(f"{MARKER}AA") * 4).decode()
#: Nothing listens there.
NOWHERE = "127.0.0.1:9"

GOOD = {
    "DATABASE_URL": f"postgresql://user:{MARKER}1@{NOWHERE}/courses",
    "REDIS_URL": f"redis://user:{MARKER}2@{NOWHERE}/0",
    "JWT_JWKS_URL": f"https://{NOWHERE}/jwks?apikey={MARKER}3",
    "JWT_SECRET": f"{MARKER}4-g7Kq2Zt9Xw4Lr8Vn5Bc1Md6Hs3Jf0PyA",
    "JWT_SECRET_OLD": f"{MARKER}5-Qd5Zk1Vw8Yt3Nc6Rj9Lb2Xs7Gm4Hp0Fa",
    "WEBHOOK_SECRET": f"whsec_{ENCODED}",
    "METRICS_TOKEN": f"{MARKER}6-T9fJq3xWv7Lm2Rk8",
    "ALERT_WEBHOOK_URL": f"http://{NOWHERE}/hooks/{MARKER}7",
    "HTTP_PROXY": f"http://user:{MARKER}@{NOWHERE}",
    "HTTPS_PROXY": f"http://user:{MARKER}/@{NOWHERE}",
    "ALL_PROXY": f"{MARKER}",
}
#: Each is broken where a secret begins or ends.
BROKEN = {
    "DATABASE_URL": f"postgresql://postgres:SECRET@{MARKER}@{NOWHERE}/x",
    "REDIS_URL": f"redis://:12/{MARKER}@{NOWHERE}/0",
    "JWT_JWKS_URL": f"https://user:12/{MARKER}@{NOWHERE}/jwks",
    "JWT_SECRET": f"{MARKER}",
    "JWT_SECRET_OLD": f"{MARKER}",
    "WEBHOOK_SECRET": f"{MARKER}",
    "WEBHOOK_SECRET_OLD": f"whsec_{MARKER}",
    "ALERT_WEBHOOK_URL": f"http://{NOWHERE}:x/hooks/{MARKER}",
}
PROCESSES = {
    "api": ["-m", "coursegen", "api"],
    "server": ["-m", "app.server"],
    "console": ["-m", "coursegen", "console"],
    "worker": ["-m", "coursegen", "worker"],
    "a worker": ["-m", "coursegen", "worker", "--only", "webhooks"],
    "procrastinate": ["-m", "procrastinate", "--app=tasks.app", "worker"],
}
ID = "00000000-0000-4000-8000-000000000001"
COMMANDS = [
    "console-link --role admin",
    "doctor",
    "doctor --json",
    "audit",
    "queue",
    "workers",
    "events",
    f"generate {ID} --watch",
    "generations list --stuck 15m",
    f"generations show {ID}",
    f"generations cancel {ID}",
    f"generations retry {ID}",
    "metrics refusals",
    "migrate",
    "migrate --check",
    "migrate --rollback --yes",
    "slots",
    "slots --rebuild",
    "webhooks list",
    "webhooks pending",
    f"webhooks show {ID}",
    f"webhooks resend {ID}",
    f"generate {ID} --tier nothing",
    "nothing",
]


def environment(changed: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **GOOD, **changed}


@pytest.mark.parametrize(
    "arguments", [*PROCESSES.values(), ["-m", "coursegen", "slots"], ["-m", "flask", "--app", "wsgi", "slots"]], ids=str
)
def test_broken_settings_end_every_process_with_sentences_and_no_secret(arguments: Sequence[str]) -> None:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(BROKEN),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert all(f"{name}: " in said for name in BROKEN)
    assert MARKER not in said


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_setting_stops_the_start(name: str) -> None:
    with (
        mock.patch.dict(os.environ, environment({name: BROKEN[name]}), clear=True),
        logging_restored(),
        pytest.raises(BadSettings) as caught,
    ):
        create_app()
    assert list(caught.value.problems) == [name]
    assert MARKER not in str(caught.value)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_no_command_shows_a_secret(arguments: str, caplog: pytest.LogCaptureFixture) -> None:
    with mock.patch.dict(os.environ, environment({}), clear=True), logging_restored(), ExitStack() as stack:
        app = create_app()
        stack.callback(app.extensions["services"].close)
        done = FlaskCliRunner(app).invoke(args=arguments.split())
    assert done.exit_code != 0
    assert MARKER not in done.stdout + done.stderr + repr(done.exception)
    assert MARKER not in caplog.text


@pytest.mark.parametrize("name", ["api", "worker"])
def test_no_running_process_shows_a_secret(name: str, tmp_path: Path, wait_until: WaitUntil) -> None:
    output, port = tmp_path / "output", free_port()
    with output.open("wb") as file:
        process = psutil.Popen(
            [sys.executable, *PROCESSES[name]],
            cwd=ROOT,
            env=environment({"PORT": str(port), "SHUTDOWN_GRACE_S": "1"}),
            stdout=file,
            stderr=file,
        )
    try:
        wait_until(lambda: "database_unavailable" in output.read_text() and process.children(), 60)
        wait_until(lambda: name != "api" or serves(port), 60)
        if name == "api":
            for path in ("readyz", "metrics", "api/courses/x/check-status", "trpc/generation.status", "livez"):
                serves(port, path)
        arguments = [" ".join(each.cmdline()) for each in [process, *process.children(recursive=True)]]
    finally:
        process.terminate()
        process.wait(60)
    assert len(arguments) > 1
    assert MARKER not in "\n".join(arguments)
    assert MARKER not in output.read_text()


def serves(port: int, path: str = "livez") -> bool:
    """Whether a request gets any response; its token names a key of the endpoint."""
    token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.AAAA"
    request = Request(f"http://127.0.0.1:{port}/{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        build_opener(ProxyHandler({})).open(request, timeout=10).close()
    except HTTPError as error:
        assert MARKER not in error.read().decode()
    except (URLError, ConnectionError):
        return False
    return True

"""What the image would hold and run, without the engine that would build it.

The Dockerfile's own lines are carried out in a folder that stands for the root of the image: a clean virtual
environment with requirements.lock and nothing else, and the files that it copies. From there migration, API and workers
run with the commands of the image and of compose.yaml and with the variables of .env.example alone; started by root
they run as the image's user.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from stack.api import Api
from stack.examples import FILES, create_course, read_lessons
from stack.scratch import remove_folder, scratch_folder
from stack.server import HOST, free_port
from tasks.supervision.watchdog import kill_group, watchdog
from tests.conftest import WaitUntil
from tests.unit.delivery.delivered import (
    ALWAYS,
    WORKERS,
    Instruction,
    commands,
    compose,
    default_settings,
    dockerfile,
    example,
    image,
    sent_to_the_builder,
)

ROOT = Path(__file__).resolve().parents[2]
SECRET = "of-the-delivery-and-longer-than-32-bytes"

#: Folders of the image that stand in the release's folder; no other path of it is rewritten.
PLACES = re.compile(r"(?<![\w/.])/(venv|service|srv/files)(?![\w-])")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first time, everything comes from the registry


@dataclass(frozen=True)
class Release:
    """The folder that stands for the image's root, and how processes of it are started."""

    root: Path
    identity: dict[str, Any]
    environment: dict[str, str]

    def start(self, name: str, argv: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """The running command; its output is in the log of this name."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                argv,
                cwd=self.root / "service",
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                **self.identity,
            )
        watchdog.add_group(process.pid)
        return process

    def run(self, name: str, argv: list[str], **environment: str) -> int:
        """The exit code of the command."""
        process = self.start(name, argv, **environment)
        try:
            return process.wait(60)
        finally:
            end(process)

    @contextmanager
    def running(self, processes: dict[str, list[str]], **environment: str) -> Iterator[dict[str, Any]]:
        """The commands, running, by name. None of their processes is left."""
        with ExitStack() as cleanup:
            started = {}
            for name, argv in processes.items():
                started[name] = self.start(name, argv, **environment)
                cleanup.callback(end, started[name])
            yield started

    def log(self, name: str) -> Path:
        return self.root / f"{name}.log"

    def files(self) -> dict[str, float]:
        """Every file of the image, and when it was written."""
        shipped = [self.root / place for place in ("service", "venv", "srv")]
        return {str(path): path.stat().st_mtime for place in shipped for path in place.rglob("*")}


def end(process: subprocess.Popen[bytes]) -> None:
    """Nothing is left of the process, nor of what it started."""
    with contextlib.suppress(ProcessLookupError):
        kill_group(process.pid)
    process.wait()
    watchdog.remove_group(process.pid)


@pytest.fixture(scope="module")
def release() -> Iterator[Release]:
    """The image's content, built by the Dockerfile's own lines."""
    root = scratch_folder("course-delivery-")
    try:
        # The image has one Python; the one that runs the tests stands for it.
        (root / "bin").mkdir()
        (root / "bin" / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        (root / "bin" / "python").chmod(0o755)
        for instruction in dockerfile():
            carry_out(instruction, root)
        shutil.copytree(FILES, root / "srv" / "files")
        yield Release(root, identity(root), process_environment(root))
    finally:
        remove_folder(root)


def carry_out(instruction: Instruction, root: Path) -> None:
    """The folder is what the image's root would be after COPY and RUN; making the user is left out."""
    folder = root / "service"  # of both stages
    if instruction.name == "WORKDIR":
        assert placed(instruction.value, root) == str(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    elif instruction.name == "COPY" and instruction.value.startswith("--from="):
        _, source, target = instruction.value.split()
        assert source == target  # both stages share our folder
    elif instruction.name == "COPY":
        *sources, target = instruction.value.split()
        for source in sources:
            copy(source, folder / target / (Path(source).name if target.endswith("/") else ""))
    elif instruction.name == "RUN" and not instruction.value.startswith("groupadd "):
        # How to reach the registry; not the image's way, which keeps no cache.
        ours = ("HOME", "LANG", "PIP_", "SSL_", "HTTP", "http", "no_proxy", "NO_PROXY")
        environment = {name: value for name, value in os.environ.items() if name.startswith(ours)}
        done = subprocess.run(
            ["/bin/sh", "-c", placed(instruction.value, root)],
            cwd=folder,
            env=environment | {"PATH": f"{root / 'bin'}:/usr/bin:/bin", "PIP_ROOT_USER_ACTION": "ignore"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]


def copy(source: str, target: Path) -> None:
    """What the builder is sent of the file or folder is at the target."""
    path = ROOT / source
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and sent_to_the_builder(file.relative_to(ROOT).as_posix()):
            to = target if file == path else target / file.relative_to(path)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)


def placed(text: str, root: Path) -> str:
    """The text with the image's folders where ours are."""
    return PLACES.sub(lambda found: f"{root}/{found[1]}", text)


def identity(root: Path) -> dict[str, Any]:
    """The image's user where we may become it and it may run our Python; else nobody but ourselves."""
    user, group = map(int, image("USER")[0].value.split(":"))
    it: dict[str, Any] = {"user": user, "group": group, "extra_groups": []}
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            python = [str(root / "venv" / "bin" / "python"), "-c", "import flask"]
            if subprocess.run(python, env={}, capture_output=True, check=False, **it).returncode == 0:
                return it
    return {}


def process_environment(root: Path) -> dict[str, str]:
    """The image's own variables."""
    return {name: placed(value, root) for name, value in image("ENV")[0].pairs().items()}


@pytest.fixture
def settings(release: Release, empty_database_url: str, redis_url: str) -> dict[str, str]:
    """.env.example, filled in, for an empty database and an empty Redis."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    written = example(with_defaults=True)
    filled = {
        "DATABASE_URL": empty_database_url,
        "REDIS_URL": redis_url,
        "JWT_SECRET": SECRET,
        "FILES_ROOT": str(release.root / "srv" / "files"),
        "HOST": HOST,
        "PORT": str(free_port()),
        "CONSOLE_PORT": str(free_port()),
    }
    assert set(filled) < set(written)
    return written | filled


def test_the_image_generates_a_course_and_ends_in_time(
    release: Release, settings: dict[str, str], wait_until: WaitUntil
) -> None:
    run, before = commands(), release.files()
    assert release.run("help", ["coursegen", "--help"]) == 0, release.log("help").read_text()
    assert release.run("early", run["api"], **settings) == 1
    assert "Missing: procrastinate" in release.log("early").read_text()

    for _ in range(2):
        assert release.run("migrate", run["migrate"], **settings) == 0, release.log("migrate").read_text()

    check = image("HEALTHCHECK")[0].argv()
    assert release.run("check", check, **settings) != 0
    with release.running({name: run[name] for name in ALWAYS}, **settings) as processes:
        generate(release, settings, wait_until)
        assert release.run("check", check, **settings) == 0
        for name in [*WORKERS, "console"]:
            argv = compose()["services"][name]["healthcheck"]["test"][1:]
            assert release.run("check", argv, **settings) == 0, release.log("check").read_text()
        stop(release, processes)

    assert release.files() == before


def test_the_image_runs_all_workers_of_a_machine_as_one_process(
    release: Release, settings: dict[str, str], wait_until: WaitUntil
) -> None:
    run = commands()
    assert release.run("migrate", run["migrate"], **settings) == 0
    arrangement = {"api": run["api"], "workers": ["coursegen", "worker"]}
    with release.running(arrangement, **settings) as processes:
        generate(release, settings, wait_until)
        stop(release, processes)


def test_a_rollback_as_documented_takes_the_service_out_of_the_database(
    release: Release, settings: dict[str, str]
) -> None:
    migrate = commands()["migrate"]
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    (rollback,) = re.findall(r"^ +\.venv/bin/(coursegen migrate --rollback --export .*)$", text, re.MULTILINE)
    export = release.root / "export"
    export.mkdir()
    export.chmod(0o777)  # the image's user writes there
    command = shlex.split(rollback.replace("/srv/export", str(export)))
    with psycopg.connect(settings["DATABASE_URL"], autocommit=True) as conn:

        def is_migrated() -> bool:
            [(name,)] = conn.execute("select to_regclass('coursegen.generations')").fetchall()
            return name is not None

        assert release.run("migrate", migrate, **settings) == 0, release.log("migrate").read_text()
        assert release.run("unasked", command, **settings) == 1
        assert is_migrated()
        assert release.run("rollback", [*command, "--yes"], **settings) == 0, release.log("rollback").read_text()
        assert not is_migrated()
        assert release.run("migrate", migrate, **settings) == 0, release.log("migrate").read_text()
        assert is_migrated()


def generate(release: Release, settings: dict[str, str], wait_until: WaitUntil) -> None:
    """The example's course was generated from start to end over HTTP."""
    api = Api(f"http://{HOST}:{settings['PORT']}")
    wait_until(api.ready)
    course = create_course(settings["DATABASE_URL"], SECRET, "PREMIUM")
    status, answer = api.call("POST", "/api/coursegen/generate", course.token, {"courseId": str(course.id)})
    assert status == 200, answer
    path = f"/api/courses/{course.slug}/check-status"
    wait_until(lambda: api.call("GET", path, course.token)[1]["currentStatus"] == "completed", 40)
    assert len(read_lessons(settings["DATABASE_URL"], answer["jobId"])) >= 4
    with psycopg.connect(settings["DATABASE_URL"]) as conn:
        documents = conn.execute("select count(*) from coursegen.documents where error is null").fetchall()
    assert documents > [(0,)]


def stop(release: Release, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """SIGTERM ended every process with 0, before its supervisor would have killed it."""
    grace = float(compose()["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace > default_settings().shutdown_grace_s
    deadline = time.monotonic() + grace
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    for name, process in processes.items():
        code = process.wait(deadline - time.monotonic())
        assert code == 0, f"{name}: {code}\n{release.log(name).read_text()[-4000:]}"

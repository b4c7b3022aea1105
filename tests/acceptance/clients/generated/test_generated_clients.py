"""Clients that four generators make of `/openapi.json` compile, and start, poll and cancel generations."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from stack.server import HOST
from tests.acceptance.clients.npm import ENVIRONMENT, install, needs
from tests.conftest import WaitUntil
from tests.integration.factories import FILE, insert_course
from tests.integration.http.conftest import Conn
from tests.integration.serving import Server, StartServer
from tests.tokens import make_claims, sign

HERE = Path(__file__).parent
#: So long may an installation, a generator or a compiler take.
PATIENCE_S = 300

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2 * PATIENCE_S)]

Use = Callable[..., str]


def call(folder: Path, *command: object, **environment: str) -> str:
    """The output of the command, which succeeded."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def server(start_server: StartServer, wait_until: WaitUntil) -> Server:
    server = start_server()
    wait_until(lambda: server.status("/readyz") == 200)
    return server


@pytest.fixture(scope="module")
def document(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the running service's description."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    with urlopen(f"http://{HOST}:{server.port}/openapi.json", timeout=10) as response:
        path.write_bytes(response.read())
    return path


@pytest.fixture
def use(server: Server, conn: Conn) -> Use:
    """A function that runs a program with a course's address and token."""

    def run(folder: Path, *command: object) -> str:
        course = insert_course(conn, files=[FILE])
        token = sign(make_claims(course.user_id, "PREMIUM"))
        return call(
            folder, *command, API=f"http://{HOST}:{server.port}", TOKEN=token, COURSE_ID=str(course.id), PYTHONPATH="."
        )

    return run


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python environment of its own with the generators and what their clients need."""
    folder = tmp_path_factory.mktemp("python")
    call(folder, sys.executable, "-m", "venv", "venv")
    pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]
    call(folder, "venv/bin/python", *pip, "-r", HERE / "requirements.lock", PIP_ROOT_USER_ACTION="ignore")
    return folder / "venv" / "bin"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generators of TypeScript and the programs."""
    return install(HERE, tmp_path_factory.mktemp("node") / "generated")


def check_python(use: Use, python: Path, folder: Path, generator: str) -> None:
    """The client compiles, and the program that uses it has sound types and runs."""
    program = f"use_{generator}.py"
    shutil.copy(HERE / "programs" / program, folder)
    call(folder, python / "python", "-W", "error", "-m", "compileall", "-q", f"made_by_{generator}")
    assert use(folder, python / "python", program) == "cancelled\n"


def test_openapi_generator(use: Use, python: Path, document: Path, tmp_path: Path) -> None:
    name = "made_by_openapi_generator"
    options = ["-g", "python", "-i", document, "-o", "made", "--package-name", name, "--strict-spec", "true"]
    # The messages that the service sends are no part of a client, and this generator writes invalid code of them.
    options += ["--openapi-generator-ignore-list", f"{name}/api/webhooks_api.py"]
    said = call(tmp_path, python / "openapi-generator-cli", "generate", *options)
    assert "COLLISION" not in said
    models = [path.stem for path in (tmp_path / "made" / name / "models").glob("*.py")]
    assert len(models) > 30
    assert [model for model in models if "inline" in model or "_of" in model] == []
    (tmp_path / "made" / name).rename(tmp_path / name)
    check_python(use, python, tmp_path, "openapi_generator")


def test_openapi_python_client(use: Use, python: Path, document: Path, tmp_path: Path) -> None:
    name = "made_by_openapi_python_client"
    config = ["--config", HERE / "openapi_python_client.yaml", "--meta", "none", "--output-path", name]
    call(tmp_path, python / "openapi-python-client", "generate", "--path", document, *config, "--fail-on-warning")
    check_python(use, python, tmp_path, "openapi_python_client")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--python-executable", python / "python"]
    call(tmp_path, *mypy, "--follow-imports", "silent", "use_openapi_python_client.py", MYPYPATH=os.curdir)


@needs("npm")
def test_openapi_typescript(use: Use, node: Path, document: Path) -> None:
    call(node, "npx", "openapi-typescript", document, "-o", "made/openapi-typescript.d.ts")
    check_typescript(use, node, "openapi_typescript")


@needs("npm")
def test_hey_api(use: Use, node: Path, document: Path) -> None:
    call(node, "npx", "openapi-ts", "-i", document, "-o", "made/hey-api", "-c", "@hey-api/client-fetch")
    check_typescript(use, node, "hey_api")


def check_typescript(use: Use, node: Path, generator: str) -> None:
    """The client and the program that uses it compile, and the program runs."""
    config = node / f"tsconfig.{generator}.json"
    config.write_text(f'{{"extends": "./tsconfig.json", "include": ["programs/use_{generator}.ts"]}}')
    call(node, "npx", "tsc", "--project", config)
    assert use(node, "node", "--import", "tsx", f"programs/use_{generator}.ts") == "cancelled\n"

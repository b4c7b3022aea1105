"""The Python stacks in `bench/peers/python`; pip installs their libraries into an environment in the user's cache."""

import subprocess
import sys
from functools import cache
from pathlib import Path

from bench.environment.debian_tools import ToolMissing
from bench.environment.user_cache import cached_folder
from bench.environment.virtual_environments import digest_of, make_environment
from bench.peers.stack import CONCURRENCY, PROCESSES, Stack
from stack.server import HOST

LOCK = Path(__file__).with_name("python") / "stacks.lock"
PACKAGE = "bench.peers.python"
THREADS = 8

#: Libraries with the most influence on the figures.
LIBRARIES = ("flask", "gunicorn", "celery", "fastapi", "uvicorn", "asyncpg", "taskiq", "dbos", "procrastinate")


def find_taskiq_stack() -> Stack:
    """FastAPI with asyncpg and taskiq, installed. Raises `ToolMissing`."""
    module, python = f"{PACKAGE}.taskiq_stack", python_of_the_stacks()
    serve = ["uvicorn", f"{module}:front", "--workers", str(PROCESSES), "--host", HOST, "--port", "{port}"]
    return Stack(
        "FastAPI + taskiq",
        "taskiq",
        redis_database=2,
        api=[python, "-m", *serve, "--no-access-log"],
        worker=[python, "-m", "taskiq", "worker", f"{module}:broker", "--workers", "1", *_at_once()],
    )


def find_flask_stacks() -> list[Stack]:
    """Flask with Celery, DBOS and Procrastinate, installed. Raises `ToolMissing`."""
    python = python_of_the_stacks()
    concurrency = ["--concurrency", str(CONCURRENCY)]
    celery = ["celery", "--app", f"{PACKAGE}.celery_stack:queue", "worker", "--loglevel", "INFO", *concurrency]
    plain = [
        "procrastinate",
        "--app",
        f"{PACKAGE}.procrastinate_stack.queue",
        "worker",
        *concurrency,
        "--queues",
        "plain-stages",
    ]
    return [
        Stack("Flask + Celery", "celery", 3, _gunicorn("celery_stack"), [python, "-m", *celery]),
        Stack(
            "Flask + DBOS",
            "dbos",
            4,
            _gunicorn("dbos_stack"),
            [python, "-m", f"{PACKAGE}.dbos_stack"],
            setup=[python, "-c", "from dbos.cli.cli import app; app()", "migrate", "--sys-db-url", "{database}"],
        ),
        Stack("Flask + Procrastinate", "plain", 5, _gunicorn("procrastinate_stack"), [python, "-m", *plain]),
    ]


def python_versions() -> str:
    """The versions of the libraries."""
    pinned = (line.split()[0].split("==") for line in LOCK.read_text("utf-8").splitlines() if "==" in line)
    return ", ".join(f"{name} {version}" for name, version in pinned if name in LIBRARIES)


@cache
def python_of_the_stacks() -> str:
    """The interpreter of their environment. Raises `ToolMissing`."""
    python = Path(sys.executable)
    name = f"peers-{digest_of(python, LOCK)}"
    try:
        folder = cached_folder(name, lambda folder: make_environment(python, folder, LOCK))
    except subprocess.CalledProcessError as error:
        raise ToolMissing(f"the Python stacks can't be installed: {error.stderr.strip()[-500:]}") from error
    except (subprocess.SubprocessError, OSError) as error:
        raise ToolMissing(f"the Python stacks can't be installed: {error}") from error
    return str(folder / "bin" / "python")


def _gunicorn(module: str) -> list[str]:
    serve = ["gunicorn", f"{PACKAGE}.{module}:create_front()", "--bind", f"{HOST}:{{port}}"]
    return [python_of_the_stacks(), "-m", *serve, "--workers", str(PROCESSES), "--threads", str(THREADS)]


def _at_once() -> list[str]:
    return ["--max-async-tasks", str(CONCURRENCY)]

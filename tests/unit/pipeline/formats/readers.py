"""Readers that misbehave, each in its own way."""

import ctypes
import errno
import json
import os
import re
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from pipeline.formats.content import Content


def read_and_hang(data: bytes) -> NoReturn:
    """Holds the interpreter's lock in C and never looks up."""
    re.match(r"(a+)+$", "a" * 64 + "b")
    raise AssertionError(data)


def read_and_spin(data: bytes) -> NoReturn:
    """Is in C, without the interpreter's lock."""
    ctypes.CDLL(None).sleep(600)
    raise AssertionError(data)


def read_and_crash(data: bytes) -> NoReturn:
    os.abort()


def read_and_raise(data: bytes) -> NoReturn:
    raise IndexError(data)


def read_and_recurse(data: bytes) -> Content:
    return read_and_recurse(data)


def read_and_hoard(data: bytes) -> Content:
    return Content("".join([str(number) * 1000 for number in range(10_000_000)]))


def read_and_exceed(data: bytes) -> Content:
    return Content("x" * 30_000_000)


def read_and_print(data: bytes) -> Content:
    print("noise")
    sys.stdout.flush()
    os.write(1, b"{}")
    return Content(data.decode())


def read_and_dawdle(data: bytes) -> Content:
    """As on a machine that has little time for it."""
    time.sleep(3)
    return Content(data.decode())


def read_and_fork(data: bytes) -> Content:
    attempt(os.fork)  # both hold on to the pipe that the answer comes by
    if os.getpid() != os.getsid(0):
        time.sleep(600)
    return Content(data.decode())


def read_and_try_out(data: bytes) -> Content:
    """What can be done from here, by name: "yes", or the error's name. `data` is an address to connect to."""
    host, port = data.decode().split()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Content(
        json.dumps(
            {
                "pid": os.getpid(),
                "session": os.getsid(0),
                "environment": dict(os.environ),
                "no_new_privileges": int(status["NoNewPrivs"]),
                "processes": resource.getrlimit(resource.RLIMIT_NPROC)[0],
                "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
                "connected": attempt(lambda: socket.create_connection((host, int(port)), 2)),
                "environment_of_parent": attempt(Path(f"/proc/{os.getppid()}/environ").read_bytes),
                "written": attempt(write),
                "forked": attempt(lambda: os.fork() or os._exit(0)),
            }
        )
    )


def write() -> None:
    with tempfile.TemporaryFile(dir=Path(__file__).parent) as file:
        file.write(b"x")


def attempt(act: Callable[[], object]) -> str:
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "yes"

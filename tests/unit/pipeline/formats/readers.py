"""Readers that misbehave, each in its own way."""

import ctypes
import os
import re
import sys
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

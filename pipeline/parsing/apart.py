"""Parsing a file apart: in a process that lives for this file alone, so that it can cost no more than itself.

A parser that hangs holds the interpreter's lock or never returns from C, so neither a timer's signal handler nor a
thread could end it; what exhausts memory or crashes would take the whole stage with it. A process can be limited.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.contract import Heading
from pipeline.formats.content import Content, Unreadable

#: Seconds of processor time for one file.
FILE_LIMIT_S = 60
#: The same for slow files together; when they are spent, the files that follow have only a few each.
SLOW_FILES_S, LATE_FILE_S = 240, 5
#: How many times as long a file may take in all, since the machine may be busy.
BUSY = 10
#: A file that takes longer than this is slow.
_SLOW_S = 2.0
#: Memory of the process, address space included.
MEMORY_LIMIT = 768 * 1024 * 1024
_HOME = Path(__file__).resolve().parents[2]


class ReaderBroke(Unreadable):
    """A reader of ours broke on the file of this format. `place` is in our code, `error` the type of the exception."""

    def __init__(self, place: str, error: str, format_name: str = "") -> None:
        super().__init__("мы не смогли прочитать этот файл: это ошибка нашей программы, и мы о ней уже знаем")
        self.place = place
        self.error = error
        self.format = format_name


class ParserUnavailable(Exception):
    """The process could not parse anything: the installation is to blame, not the file."""


class ParserStarved(Exception):
    """The machine was too busy to parse the file in time. That says nothing about the file: it can be tried again."""


class Patience:
    """The processor time that is left for the files of one stage."""

    def __init__(self, file_limit_s: int = FILE_LIMIT_S, slow_files_s: float = SLOW_FILES_S) -> None:
        self._file_limit_s = file_limit_s
        self._left = slow_files_s

    @property
    def limit_s(self) -> int:
        """What the next file may take."""
        return self._file_limit_s if self._left > 0 else min(LATE_FILE_S, self._file_limit_s)

    def spend(self, seconds: float) -> None:
        """A file has taken this long."""
        if seconds > _SLOW_S:
            self._left -= seconds


def parse_apart(data: bytes, reader: str, limit_s: int) -> Content:
    """What the reader at this dotted path makes of the file, within the limits and with nothing to steal or to reach.

    Raises Unreadable when it refuses the file, breaks on it or reaches a limit; ParserUnavailable when it can't start,
    and ParserStarved when it had hardly any of the processor for very long.
    """
    longest_s = limit_s * BUSY
    limits = map(str, (limit_s, MEMORY_LIMIT, longest_s, os.getpid()))
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline.parsing.parser", reader, *limits],
        cwd=_HOME,
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(data, timeout=longest_s)
        except subprocess.TimeoutExpired as error:
            raise ParserStarved(_starved(limit_s, longest_s)) from error
        finally:
            with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS: only zombies are
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == -signal.SIGALRM:
        raise ParserStarved(_starved(limit_s, longest_s))
    if process.returncode == -signal.SIGXCPU:
        raise Unreadable(f"разбор файла занял больше {limit_s} с")
    if process.returncode == -signal.SIGKILL:
        raise Unreadable("для разбора файла не хватило памяти")
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError as error:
        if process.returncode > 0:
            raise ParserUnavailable(f"the parser ended with {process.returncode} before it began") from error
        raise ReaderBroke(reader, f"exit code {process.returncode}") from error
    return _take(answer)


def _take(answer: dict[str, Any]) -> Content:
    if "unavailable" in answer:
        raise ParserUnavailable(answer["unavailable"])
    if "refused" in answer:
        raise Unreadable(answer["refused"])
    if "broken" in answer:
        raise ReaderBroke(**answer["broken"])
    return Content(answer["text"], tuple(Heading(*heading) for heading in answer["headings"]), answer["title"])


def _starved(limit_s: int, longest_s: int) -> str:
    return f"a file that may take {limit_s} s of the processor was not parsed in {longest_s} s"

"""A process of its own that parses one file: `python -m pipeline.parsing.parser READER SECONDS BYTES ALARM PARENT`.

The file's bytes come on stdin. The answer goes to stdout as JSON, since a process that parsed a hostile file is not
trusted with a pickle. The kernel ends the process at its limits and with its parent.
"""

import ctypes
import json
import logging
import os
import signal
import sys
import traceback
from typing import Any

from pipeline.formats.content import Content, Unreadable
from pipeline.parser import load_reader
from pipeline.parsing.confinement import confine

#: More text than this is no document; in characters.
MAX_TEXT = 20 * 1024 * 1024
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(reader: str, seconds: int, memory: int, alarm: int, parent: int) -> dict[str, Any]:
    """What became of the file on stdin: `text`, `headings` and `title`; or `refused` or `unavailable` with words.

    Or `broken`, with the place: an exception that a reader did not turn into a refusal is a fault of ours.
    """
    end_with(parent)
    confine(seconds, memory, alarm)
    try:
        read = load_reader(reader)
    except Exception:  # noqa: BLE001 - of a broken installation no file is to blame
        return {"unavailable": traceback.format_exc()}
    try:
        return _tell(read(sys.stdin.buffer.read()))
    except Unreadable as refusal:
        return {"refused": str(refusal)}
    except MemoryError:
        return {"refused": "для разбора файла не хватило памяти"}
    except Exception as error:  # noqa: BLE001 - a parser may raise anything
        place = find_place(error) or reader
        return {"broken": {"place": place, "error": type(error).__name__}}


def find_place(error: BaseException) -> str:
    """The module and line of the innermost frame of ours, without anything of the document."""
    places = [
        f"{frame.f_globals['__name__']}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith("pipeline.")
    ]
    return places[-1] if places else ""


def end_with(parent: int) -> None:
    """The process is killed when the one that started it ends; where the kernel can't do that, its time still ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we asked
            sys.exit(1)


def _tell(content: Content) -> dict[str, Any]:
    if len(content.text) > MAX_TEXT:
        raise Unreadable("в файле слишком много текста")
    return {
        "text": content.text,
        "headings": [(heading.level, heading.text, heading.start) for heading in content.headings],
        "title": content.title,
    }


if __name__ == "__main__":
    logging.disable()  # parsers log every fault that they correct
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # so that a library's output does not mix with the answer
        answer = main(sys.argv[1], *map(int, sys.argv[2:]))
        answers.write(json.dumps(answer, ensure_ascii=False).encode())
    os._exit(0)  # nothing here is worth tearing down

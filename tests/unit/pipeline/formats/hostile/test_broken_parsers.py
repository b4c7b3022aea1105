"""A parser that breaks, hangs or takes too much costs only its own file."""

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.contract import File
from pipeline.document_processing import FileReader
from pipeline.markdown_text import rewrite_lines
from pipeline.parsing import apart
from pipeline.parsing.apart import FILE_LIMIT_S, ParserStarved, Patience
from pipeline.parsing.confinement import OPEN_FILES
from pipeline.parsing.parser import find_place
from tests.conftest import WaitUntil
from tests.unit.pipeline.formats.hostile.reading import TEXT, read, refusal


def ask_kernel(code: str) -> bool:
    """Whether the call, made in a process of its own, returns zero or more."""
    code = f"import ctypes; print(ctypes.CDLL(None).{code} >= 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip() == "True"


OUR_FAULT = "мы не смогли прочитать этот файл: это ошибка нашей программы, и мы о ней уже знаем"
HAS_NAMESPACES = ask_kernel("unshare(0x50000000)")
HAS_LANDLOCK = ask_kernel("syscall(444, None, ctypes.c_size_t(0), 1)")


def test_file_that_takes_too_long_costs_only_its_own_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_reader(monkeypatch, "read_and_hang")
    assert refusal(tmp_path, "a.slow", TEXT.encode(), limit_s=2) == "разбор файла занял больше 2 с"
    assert read(tmp_path, "a.txt", TEXT.encode()).text == TEXT


def test_lack_of_a_processor_is_no_verdict_on_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_reader(monkeypatch, "read_and_spin")
    monkeypatch.setattr(apart, "BUSY", 2)
    with pytest.raises(ParserStarved):  # which the stage is tried again for
        read(tmp_path, "a.slow", TEXT.encode(), limit_s=1)


@pytest.mark.parametrize(
    ("reader", "reason", "error"),
    [
        ("read_and_crash", OUR_FAULT, "exit code -6"),
        ("read_and_raise", OUR_FAULT, "IndexError"),
        ("read_and_recurse", OUR_FAULT, "RecursionError"),
        ("read_and_hoard", "для разбора файла не хватило памяти", None),
        ("read_and_exceed", "в файле слишком много текста", None),
    ],
)
def test_parser_that_breaks_spoils_only_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, reason: str, error: str | None
) -> None:
    use_reader(monkeypatch, reader)
    document = read(tmp_path, "a.slow", TEXT.encode())
    assert document.error == reason
    assert (document.fault and document.fault.error) == error
    assert read(tmp_path, "a.txt", TEXT.encode()).text == TEXT


def test_the_place_of_a_fault_is_the_innermost_of_ours_and_says_nothing_of_the_document() -> None:
    with pytest.raises(TypeError) as raised:
        rewrite_lines("# secret", len)  # type: ignore[arg-type]
    place = find_place(raised.value)
    assert re.fullmatch(r"pipeline\.markdown_text:\d+", place)


def test_whatever_a_library_prints_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_reader(monkeypatch, "read_and_print")
    assert read(tmp_path, "a.slow", TEXT.encode()).text == TEXT


def test_slow_files_leave_later_ones_less_time() -> None:
    patience = Patience(file_limit_s=60, slow_files_s=100)
    patience.spend(1.5)
    patience.spend(60)
    assert patience.limit_s == 60
    patience.spend(60)
    assert 0 < patience.limit_s < 60


def test_a_busy_machine_makes_no_file_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_reader(monkeypatch, "read_and_dawdle")
    assert read(tmp_path, "a.slow", TEXT.encode(), limit_s=1).text == TEXT


def test_waiting_for_a_processor_is_not_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_reader(monkeypatch, "read_and_dawdle")
    patience = Patience(slow_files_s=0.5)
    (tmp_path / "a.slow").write_text(TEXT)
    FileReader(tmp_path, patience).process(File("1", "a.slow", "a.slow", ""))
    assert patience.limit_s == FILE_LIMIT_S


def test_the_parser_holds_no_secret_and_little_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        tried = try_out(tmp_path, monkeypatch, f"127.0.0.1 {server.getsockname()[1]}")
    assert set(tried["environment"]) <= {"LC_CTYPE"}  # Python sets it itself
    assert tried["written"] in ("EFBIG", "EACCES")
    assert (tried["session"], tried["processes"], tried["open_files"]) == (tried["pid"], 0, OPEN_FILES)
    assert tried["no_new_privileges"] == 1
    assert tried["forked"] == ("yes" if os.getuid() == 0 else "EAGAIN")


@pytest.mark.skipif(not HAS_NAMESPACES, reason="user namespaces are forbidden here")
def test_the_parser_reaches_neither_network_nor_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        tried = try_out(tmp_path, monkeypatch, f"127.0.0.1 {server.getsockname()[1]}")
    assert tried["connected"] in ("ENETUNREACH", "EACCES")
    assert tried["environment_of_parent"] == "EACCES"


@pytest.mark.skipif(not HAS_LANDLOCK, reason="this kernel has no Landlock")
def test_the_parser_opens_no_file_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = try_out(tmp_path, monkeypatch, "127.0.0.1 1")
    assert (tried["written"], tried["environment_of_parent"]) == ("EACCES", "EACCES")


def try_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> dict[str, Any]:
    """What a reader that has been taken over can do."""
    use_reader(monkeypatch, "read_and_try_out")
    tried: dict[str, Any] = json.loads(read(tmp_path, "a.slow", what.encode()).text)
    return tried


def test_what_a_parser_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    use_reader(monkeypatch, "read_and_fork")  # which root alone can
    monkeypatch.setattr(apart, "BUSY", 3)
    before = {process.pid for process in psutil.process_iter()}
    with suppress(ParserStarved):  # its child holds on to the pipe
        read(tmp_path, "a.slow", TEXT.encode(), limit_s=1)
    wait_until(lambda: not [pid for pid in parsers() if pid not in before])


def parsers() -> list[int]:
    return [
        process.info["pid"]
        for process in psutil.process_iter(["pid", "cmdline"])
        if "pipeline.parsing.parser" in (process.info["cmdline"] or [])
    ]


def use_reader(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    """Files named `.slow` are read by this function of `readers`."""
    from pipeline import formats

    slow = formats.Format("slow", frozenset({".slow"}), frozenset(), f"tests.unit.pipeline.formats.readers.{reader}")
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, slow))

"""Large documents go through every stage in the worker's child processes, within their memory and their time."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.generation.stages import Stage
from app.settings.stages import HANDLERS, StageLimits
from pipeline.child.wire import Returned
from pipeline.contract import Course, File, StageInput
from tasks.stages.child_pool import Children
from tasks.stages.watch import Stopped, TimedOut
from tests.conftest import WaitUntil
from tests.stage_requests import read_result, request_for
from tests.unit.pipeline.formats.made_files import Pdf, docx_of

LIMIT_BYTES = 1024**3
MEGABYTE = 1024 * 1024
PARAGRAPH = "Планировщик выбирает порядок соединения таблиц по собранной статистике и доступной памяти."


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    pool = make_pool(HANDLERS)
    pool.start()
    yield pool
    pool.stop()


def make_pool(handlers: Mapping[Stage, str]) -> Children:
    return Children(1, {stage.value: path for stage, path in handlers.items()}, {}, on_unavailable=lambda: None)


class Watch:
    """The most memory the processes below this one held at once, shared pages divided among those that share them."""

    def __init__(self) -> None:
        self.most = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self.most = max(self.most, sum(map(measure, psutil.Process().children(recursive=True))))


def measure(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", 0)) or int(process.memory_info().rss)
    except psutil.Error:
        return 0


def run(children: Children, stage: Stage, stage_input: StageInput) -> Any:
    request = request_for(stage, HANDLERS[stage], stage_input)
    outcome = children.run(request, StageLimits(100), on_report=lambda *_: None, should_stop=lambda: False)
    assert isinstance(outcome, Returned), outcome
    return read_result(stage, outcome)


def run_all(children: Children, root: Path, *names: str) -> tuple[StageInput, int]:
    """Every stage on these files, one after the other; the last one's input, and the most memory that was held."""
    files = tuple(File(name, name, name, "") for name in names)
    given = StageInput(Course("c", "Курс", estimated_sections=8, estimated_lessons=30, files=files), str(root))
    with Watch() as watch:
        given = replace(given, documents=run(children, Stage.DOCUMENT_PROCESSING, given))
        given = replace(given, outline=run(children, Stage.STRUCTURE_GENERATION, given))
        given = replace(given, drafts=run(children, Stage.TEXT_GENERATION, given))
        run(children, Stage.FINALIZATION, given)
    assert [document.error for document in given.documents] == [None] * len(names)
    assert watch.most > 0
    return given, watch.most


def write_book(path: Path, pages: int) -> None:
    pdf = Pdf()
    for number in range(pages):
        pdf.at(60, 810, "Курс по базам данных").at(500, 30, str(number + 1))
        pdf.line(f"Тема {number + 1}", 16, level=0)
        pdf.lines(*[PARAGRAPH] * 45).page()
    path.write_bytes(pdf.finish())


@pytest.mark.slow
def test_book_of_300_pages(children: Children, tmp_path: Path) -> None:
    write_book(tmp_path / "book.pdf", 300)
    given, memory = run_all(children, tmp_path, "book.pdf")
    assert len(given.documents[0].headings) == 300
    assert given.documents[0].text.count("Планировщик") == 300 * 45
    assert memory < LIMIT_BYTES


@pytest.mark.slow
def test_5_mb_of_markdown(children: Children, tmp_path: Path) -> None:
    chapter = "## Тема {}\n\n" + f"{PARAGRAPH} `select 1` и *так далее*.\n\n" * 20
    text = "".join(chapter.format(number) for number in range(5 * MEGABYTE // len(chapter.encode()) + 1))
    (tmp_path / "book.md").write_text(text, encoding="utf-8")
    assert (tmp_path / "book.md").stat().st_size >= 5 * MEGABYTE
    given, memory = run_all(children, tmp_path, "book.md")
    assert given.documents[0].text == text.rstrip()
    assert memory < LIMIT_BYTES


def test_large_word_document(children: Children, tmp_path: Path) -> None:
    def build(document: Any) -> None:
        for number in range(200):
            document.add_heading(f"Тема {number}", 1)
            for _ in range(10):
                document.add_paragraph(PARAGRAPH)

    (tmp_path / "book.docx").write_bytes(docx_of(build))
    given, memory = run_all(children, tmp_path, "book.docx")
    assert len(given.documents[0].headings) == 200
    assert memory < LIMIT_BYTES


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[tuple[Children, StageInput]]:
    """A pool whose handler waits for a parser that never ends, and the input that makes it so."""
    (tmp_path / "a.md").write_text(PARAGRAPH)
    pool = make_pool({Stage.DOCUMENT_PROCESSING: ENDLESS})
    pool.start()
    yield pool, StageInput(Course("c", "Курс", files=(File("1", "a.md", "a.md", ""),)), str(tmp_path))
    pool.stop()


ENDLESS = "tests.integration.pipeline.endless.handle"


def parsers() -> list[psutil.Process]:
    """The parser processes below this one."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "pipeline.parsing.parser" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_parser_ends_with_the_handler_at_its_timeout(
    endless: tuple[Children, StageInput], wait_until: WaitUntil
) -> None:
    pool, stage_input = endless
    outcome, seen = _run_watching(pool, stage_input, timeout_s=4.0, should_stop=lambda seen: False)
    assert isinstance(outcome, TimedOut)
    assert seen
    wait_until(lambda: not any(process.is_running() for process in seen))


def test_parser_ends_with_the_handler_that_is_stopped(
    endless: tuple[Children, StageInput], wait_until: WaitUntil
) -> None:
    pool, stage_input = endless
    outcome, seen = _run_watching(pool, stage_input, timeout_s=60.0, should_stop=bool)
    assert isinstance(outcome, Stopped)
    assert seen
    wait_until(lambda: not any(process.is_running() for process in seen))


def _run_watching(
    pool: Children, stage_input: StageInput, timeout_s: float, should_stop: Callable[[set[psutil.Process]], bool]
) -> tuple[object, set[psutil.Process]]:
    """How the handler ended, and the parsers that were seen meanwhile; `should_stop` is asked with those so far."""
    seen: set[psutil.Process] = set()

    def look() -> bool:
        seen.update(parsers())
        return should_stop(seen)

    started = time.monotonic()
    request = request_for(Stage.DOCUMENT_PROCESSING, ENDLESS, stage_input)
    outcome = pool.run(request, StageLimits(timeout_s), on_report=lambda *_: None, should_stop=look)
    assert time.monotonic() - started < 30
    return outcome, seen

"""Handlers of the tests, named to workers by their dotted path, as a plug-in's would be."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from pipeline.contract import Brief, Draft, Lesson, Outline, Report, Section, StageFailed, StageInput

BRIEF = Brief(topic="Тема", language="ru", audience="", summary="")


def plug_in(stage_input: StageInput, report: Report) -> Brief:
    return Brief(topic=f"{stage_input.course.title}!", language="ru", audience="", summary="из плагина")


def outline(stage_input: StageInput, report: Report) -> Outline:
    return Outline((Section("Раздел", tuple(Lesson(f"Урок {n}") for n in (1, 2, 3))),))


def slow_drafts(stage_input: StageInput, report: Report) -> tuple[Draft, ...]:
    """Writes one lesson, then waits for the file that lets it go on."""
    report(1, 3)
    wait_for(Path(stage_input.files_root) / "go")
    return tuple(Draft(number, "текст") for number in (1, 2, 3))


def fails(stage_input: StageInput, report: Report) -> Any:
    raise ValueError("сломано")


def refuses(stage_input: StageInput, report: Report) -> Any:
    raise StageFailed("В документах нет текста")


def fails_once(stage_input: StageInput, report: Report) -> Brief:
    marker = Path(stage_input.files_root) / "failed"
    if not marker.exists():
        marker.touch()
        raise ValueError("сломано")
    return BRIEF


def hangs(stage_input: StageInput, report: Report) -> Any:
    Path(stage_input.files_root, "hanging").write_text(str(os.getpid()))
    while True:
        time.sleep(60)


def dies(stage_input: StageInput, report: Report) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def kills_its_worker(stage_input: StageInput, report: Report) -> Any:
    worker = multiprocessing.parent_process()
    assert worker is not None
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    time.sleep(60)


def waits(stage_input: StageInput, report: Report) -> Brief:
    """Says that it runs, then waits for the file that lets it go on."""
    Path(stage_input.files_root, "hanging").write_text(str(os.getpid()))
    wait_for(Path(stage_input.files_root) / "go")
    return BRIEF


def returns_what_can_not_be_stored(stage_input: StageInput, report: Report) -> Any:
    return Brief(topic="nul \0 byte", language="ru", audience="", summary="")


def refuses_at_length(stage_input: StageInput, report: Report) -> Any:
    raise StageFailed("слово " * 10_000)


def returns_nonsense(stage_input: StageInput, report: Report) -> Any:
    return {"topic": "x"}


def returns_the_unpicklable(stage_input: StageInput, report: Report) -> Any:
    return lambda: None


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


def hangs_if_described_so(stage_input: StageInput, report: Report) -> Any:
    if stage_input.course.description == "hangs":
        return hangs(stage_input, report)
    return BRIEF


def names_itself(stage_input: StageInput, report: Report) -> int:
    return os.getpid()


def echoes(stage_input: StageInput, report: Report) -> StageInput:
    return stage_input


def freezes(stage_input: StageInput, report: Report) -> Any:
    os.kill(os.getpid(), signal.SIGSTOP)


def reports_and_waits(stage_input: StageInput, report: Report) -> str:
    report(1, 2)
    wait_for(Path(stage_input.files_root) / "go")
    report(2, 2)
    return "done"


def reports_when_it_is_over(stage_input: StageInput, report: Report) -> str:
    """Leaves a thread behind, which reports while the next handler runs."""

    def late() -> None:
        time.sleep(0.3)
        report(7, 7)

    threading.Thread(target=late, daemon=True).start()
    return "done"

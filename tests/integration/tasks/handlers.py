"""Handlers of the tests, named to workers by their dotted path, as a plug-in's would be."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.contract import (
    Brief,
    Document,
    Draft,
    Fault,
    FinishedCourse,
    Lesson,
    Outline,
    Report,
    Section,
    StageFailed,
    StageInput,
)

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
    os.kill(os.getppid(), signal.SIGKILL)
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


def returns_what_is_no_json(stage_input: StageInput, report: Report) -> Any:
    return replace(BRIEF, goals=(object(),))  # type: ignore[arg-type]


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


def hangs_if_described_so(stage_input: StageInput, report: Report) -> Any:
    if stage_input.course.description == "hangs":
        return hangs(stage_input, report)
    return BRIEF


def say(text: object) -> Brief:
    """A result that says this."""
    return replace(BRIEF, topic=str(text))


def names_itself(stage_input: StageInput, report: Report) -> Brief:
    return say(os.getpid())


def echoes(stage_input: StageInput, report: Report) -> Brief:
    return say(stage_input.course.description)


def freezes(stage_input: StageInput, report: Report) -> Any:
    os.kill(os.getpid(), signal.SIGSTOP)


def reports_and_waits(stage_input: StageInput, report: Report) -> Brief:
    report(1, 2)
    wait_for(Path(stage_input.files_root) / "go")
    report(2, 2)
    return BRIEF


def reports_when_it_is_over(stage_input: StageInput, report: Report) -> Brief:
    """Leaves a thread behind, which reports while the next handler runs."""

    def late() -> None:
        time.sleep(0.3)
        report(7, 7)

    threading.Thread(target=late, daemon=True).start()
    return BRIEF


def reports_and_falls_silent(stage_input: StageInput, report: Report) -> Any:
    for done in range(1, 4):
        report(done, 100)
        time.sleep(0.3)
    hangs(stage_input, report)


def spins(stage_input: StageInput, report: Report) -> Any:
    while True:
        pass


def forks_and_dies(stage_input: StageInput, report: Report) -> Any:
    """Its own child, which holds on to all that it inherited, lives on."""
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    Path(stage_input.files_root, "helper").write_text(str(pid))
    os.kill(os.getpid(), signal.SIGKILL)


def hangs_with_a_helper(stage_input: StageInput, report: Report) -> Any:
    """Starts a program that ignores SIGTERM, then never returns from C."""
    helper = subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print('on'); time.sleep(600)"],
        stdout=subprocess.PIPE,
        env={"PYTHONUNBUFFERED": "1"},
    )
    assert helper.stdout is not None
    helper.stdout.readline()
    Path(stage_input.files_root, "helper").write_text(str(helper.pid))
    Path(stage_input.files_root, "hanging").write_text(str(os.getpid()))
    helper.wait()


def returns_much(stage_input: StageInput, report: Report) -> FinishedCourse:
    return FinishedCourse("x" * int(stage_input.course.description or 0))


def raises_at_length(stage_input: StageInput, report: Report) -> Any:
    raise ValueError("длинно " * 3_000_000 + "\0\ud800")


def raises_what_has_no_text(stage_input: StageInput, report: Report) -> Any:
    class Textless(Exception):
        def __str__(self) -> str:
            raise LookupError("none")

    raise Textless


def names_its_environment(stage_input: StageInput, report: Report) -> Brief:
    initial = Path("/proc/self/environ").read_bytes().decode().split("\0")
    return say(json.dumps(sorted({*os.environ, *(entry.partition("=")[0] for entry in initial if entry)})))


def talks(stage_input: StageInput, report: Report) -> Brief:
    """Says something in every way."""
    print("печатает")
    print("в два\nряда", file=sys.stderr)
    os.write(1, b"\xff\x00binary\n")
    logging.getLogger("plug.in").warning("model_slow", extra={"seconds": 3, "name_of_it": "модель", "level": "x"})
    try:
        raise ValueError("пойман")
    except ValueError:
        logging.getLogger("plug.in").exception("caught")
    subprocess.run(["echo", "from a program"], check=True)
    print("без конца строки", end="")
    return BRIEF


def talks_without_end(stage_input: StageInput, report: Report) -> Brief:
    """50 MB, half of it one line."""
    print("я" * 12_500_000)
    for _ in range(250_000):
        print("0123456789" * 10)
    print("последнее")
    return BRIEF


def leaves_a_talker(stage_input: StageInput, report: Report) -> Brief:
    """Leaves a thread behind, which prints while the next handler runs."""

    def talk() -> None:
        while True:
            print("поздно", flush=True)
            time.sleep(0.05)

    threading.Thread(target=talk, daemon=True).start()
    return BRIEF


def writes_nonsense_to_every_socket(stage_input: StageInput, report: Report) -> Any:
    for fd in range(3, 256):
        try:
            os.write(fd, b"\xff" * 1000)
        except OSError:
            continue
    time.sleep(60)


def names_itself_slowly(stage_input: StageInput, report: Report) -> Brief:
    """Takes a second of processor time."""
    end = time.process_time() + 1
    while time.process_time() < end:
        pass
    return say(os.getpid())


def hangs_in_c(stage_input: StageInput, report: Report) -> Any:
    """Holds the interpreter's lock and never looks up."""
    Path(stage_input.files_root, "hanging").write_text(str(os.getpid()))
    re.match(r"(a+)+$", "a" * 64 + "b")


def returns_60_mb(stage_input: StageInput, report: Report) -> FinishedCourse:
    return FinishedCourse("" if stage_input.course.description == "small" else "x" * (60 * 2**20))


def ruins_its_process(stage_input: StageInput, report: Report) -> Brief:
    os.close(1)
    return names_itself(stage_input, report)


def prints(stage_input: StageInput, report: Report) -> Brief:
    print("printed", flush=True)
    return names_itself(stage_input, report)


BROKEN = Document("2", "b.pdf", "", error="мы не смогли", fault=Fault("pdf", "pipeline.formats.pdf:1", "IndexError"))


def read_one_of_two(stage_input: StageInput, report: Report) -> tuple[Document, ...]:
    return Document("1", "a.md", "text/markdown", "Текст.", title="Имя"), BROKEN


def read_none(stage_input: StageInput, report: Report) -> Any:
    raise StageFailed("Не прочитано", faults=(BROKEN.fault,))  # type: ignore[arg-type]

"""Handlers that pay. The file `paid` counts the lessons, and the file `trouble` says what happens at the second."""

import logging
import os
import signal
import threading
import time
from pathlib import Path

from pipeline.child.wire import MAX_UNIT, Kind
from pipeline.contract import Brief, Draft, Outline, ProviderBusy, StageFailed, StageInput
from pipeline.work import Work
from tests.integration.tasks.handlers import BRIEF, outline, wait_for, waits


def drafts(stage_input: StageInput, work: Work) -> tuple[Draft, ...]:
    assert stage_input.outline
    folder, lessons = Path(stage_input.files_root), stage_input.outline.sections[0].lessons
    texts = []
    for number, lesson in enumerate(lessons, start=1):
        unit = work.unit(str(number), lesson, "v1")
        if unit.saved is None:
            unit.spend(calls=1)
            with (folder / "paid").open("a") as paid:
                paid.write(f"{number} {unit.key}\n")
            logging.getLogger("paid").info("lesson_paid", extra={"lesson": number})
            work(number - 0.5, len(lessons))
            meet_trouble(folder, number)
            unit.spend(tokens=100, money=0.5)
            unit.save(f"Текст {number}", model="m-1")
        texts.append(unit.saved)
        work(number, len(lessons))
    return tuple(Draft(number, text) for number, text in enumerate(texts, start=1))


def meet_trouble(folder: Path, lesson: int) -> None:
    """At the second lesson what the file says, once."""
    trouble = folder / "trouble"
    if lesson != 2 or not trouble.exists():
        return
    kind = trouble.read_text()
    trouble.unlink()
    if kind == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "refuses":
        raise StageFailed("Не вышло")
    if kind.startswith("busy"):
        raise ProviderBusy("429 Too Many Requests", float(kind[4:]) if kind[4:] else None)
    if kind == "waits":
        wait_for(folder / "go")
    if kind == "fails":
        raise ValueError(f"401 for {os.environ.get('PROVIDER_KEY', '')}")


def busy(stage_input: StageInput, work: Work) -> Brief:
    raise ProviderBusy(retry_after_s=float(stage_input.course.description or 0) or None)


def waits_with_an_outline(stage_input: StageInput, work: Work) -> Outline:
    waits(stage_input, work)
    return outline(stage_input, work)


def asks_in_threads(stage_input: StageInput, work: Work) -> Brief:
    """Leaves a thread behind that asks on and on, until nobody answers it."""

    def ask() -> None:
        try:
            while True:
                work.spend(tokens=1)
        except BaseException as error:
            Path(stage_input.files_root, "asked").write_text(repr(error))

    threading.Thread(target=ask, daemon=True).start()
    for number in range(20):
        work.unit(str(number), None, "v").save("x" * 100_000)
    return BRIEF


def asks_slowly(stage_input: StageInput, work: Work) -> Brief:
    for _ in range(3):
        work.spend(calls=1)
        time.sleep(0.1)
    return BRIEF


def asks_nonsense(stage_input: StageInput, work: Work) -> None:
    """Writes a question that is no JSON to the worker itself."""
    line = work._ask.__self__._line  # type: ignore[attr-defined]
    line.send(Kind.ASK, work._ask.__self__._run, b"nonsense\n")  # type: ignore[attr-defined]
    time.sleep(60)


def tells_all(stage_input: StageInput, work: Work) -> None:
    names = ("HTTPS_PROXY", "MODEL", "MY_TOKEN", "PROVIDER_KEY", "SHORT_KEY")
    everything = " ".join(os.environ[name] for name in names)
    print(everything, flush=True)
    logging.getLogger("paid").warning(everything, extra={"all": everything})
    raise StageFailed(everything)


def talks_at_length(stage_input: StageInput, work: Work) -> Brief:
    for _ in range(300):
        print("слово " * 300)
    return BRIEF


def asks_what_nobody_answers(stage_input: StageInput, work: Work) -> None:
    """A question of another kind, or a unit that is too large, past the checks of `Work`."""
    kind = stage_input.course.description or ""
    named = {"unit": "1", "hash": "00", "handler": "h", "version": "v", "model": None}
    work._ask({"ask": kind, **named, "calls": 1, "tokens": 1, "money": "1"}, b'"%s"' % (b"x" * MAX_UNIT))

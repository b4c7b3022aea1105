"""Lines are written in the background, in order, and dropped when nobody reads them."""

import json
import logging
import os
import threading
from collections.abc import Iterator

import pytest

from app.telemetry import log_writer
from app.telemetry.log import LineFormatter
from app.telemetry.log_writer import BackgroundHandler
from tests.conftest import WaitUntil


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)  # ends a thread that waits for the reader


def make_log(fileno: int) -> logging.Logger:
    handler = BackgroundHandler(fileno)
    handler.setFormatter(LineFormatter("worker", "test", "1"))
    log = logging.Logger("written")
    log.addHandler(handler)
    return log


def read_lines(reader: int, count: int) -> list[dict[str, object]]:
    with os.fdopen(os.dup(reader), "rb") as stream:
        return [json.loads(stream.readline()) for _ in range(count)]


def test_lines_keep_their_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    log = make_log(writer)
    for number in range(100):
        log.info("said", extra={"number": number})
    log.handlers[0].flush()
    assert [line["number"] for line in read_lines(reader, 100)] == list(range(100))


def test_nobody_waits_for_a_reader_and_what_is_dropped_is_counted(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = pipe
    monkeypatch.setattr(log_writer, "MOST_LINES", 50)
    monkeypatch.setattr(log_writer, "BATCH", 10)
    log, said = make_log(writer), 5_000
    for number in range(said):
        log.info("said", extra={"number": number, "text": "x" * 200})
    log.handlers[0].flush()
    seen, dropped = 0, 0
    with os.fdopen(os.dup(reader), "rb") as stream:
        while seen + dropped < said:
            line = json.loads(stream.readline())
            if line["message"] == "log_lines_dropped":
                assert (line["level"], line["service"]) == ("warning", "worker")
                dropped += line["count"]
            else:
                seen += 1
    assert dropped > 0
    assert seen + dropped == said


def test_a_closed_stream_is_no_error(wait_until: WaitUntil) -> None:
    reader, writer = os.pipe()
    log = make_log(writer)
    os.close(reader)
    for _ in range(3):
        log.info("said")
    log.handlers[0].flush()
    os.close(writer)


def test_a_forked_process_writes_its_own_lines(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    log = make_log(writer)
    log.info("parent")
    log.handlers[0].flush()
    if (pid := os.fork()) == 0:
        log.info("child")
        log.handlers[0].flush()
        os._exit(0)
    os.waitpid(pid, 0)
    assert [line["message"] for line in read_lines(reader, 2)] == ["parent", "child"]


def test_many_threads_may_log_at_once(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    log = make_log(writer)

    def say() -> None:
        for _ in range(20):
            log.info("said")

    threads = [threading.Thread(target=say) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert {line["message"] for line in read_lines(reader, 160)} == {"said"}
    for thread in threads:
        thread.join()


def test_a_line_that_no_thread_can_write_now_is_written_by_a_later_one(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    log = make_log(pipe[1])
    with monkeypatch.context() as starved:
        starved.setattr(threading.Thread, "start", no_thread)
        log.info("first")
    log.info("second")
    log.handlers[0].flush()
    lines = os.read(pipe[0], 65536).splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["first", "second"]


def test_a_log_that_is_replaced_leaves_no_thread(pipe: tuple[int, int], wait_until: WaitUntil) -> None:
    reader, writer = pipe
    log, before = make_log(writer), threading.active_count()
    log.info("said", extra={"number": 1})
    assert threading.active_count() == before + 1
    log.handlers[0].close()
    wait_until(lambda: threading.active_count() == before)
    assert read_lines(reader, 1)[0]["number"] == 1

"""Log lines: one JSON object each, with any fields."""

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from app.telemetry.log import bind, bind_also, configure_logging
from tests.logs import logging_restored

log = logging.getLogger("tests.log")

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """A function that returns all lines so far, each checked to be one JSON object."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    with logging_restored():
        with redirect_stdout(output):
            configure_logging("api", "INFO", "test", "1.2.3")

        def read() -> list[dict[str, Any]]:
            written: io.BytesIO = output.buffer
            found = written.getvalue().decode("utf-8").split("\n")
            assert found.pop() == ""
            return [json.loads(line) for line in found]

        yield read


def test_a_line_has_timestamp_level_message_and_service(lines: Lines) -> None:
    before = datetime.now(UTC)
    log.warning("files_malformed", extra={"stage": "TEXT_GENERATION", "count": 3})
    (line,) = lines()
    moment = datetime.fromisoformat(line.pop("timestamp"))
    assert abs((moment - before).total_seconds()) < 5
    assert moment.utcoffset() is not None
    assert line == {
        "level": "warning",
        "message": "files_malformed",
        "logger": "tests.log",
        "service": "api",
        "environment": "test",
        "version": "1.2.3",
        "stage": "TEXT_GENERATION",
        "count": 3,
    }


@pytest.mark.parametrize("level", ["info", "warning", "error", "critical"])
def test_levels_have_their_names(lines: Lines, level: str) -> None:
    getattr(log, level)("said")
    assert lines()[0]["level"] == level


def test_records_below_the_level_are_not_written(lines: Lines) -> None:
    log.debug("whispered")
    assert lines() == []


def test_cyrillic_is_written_as_it_is(lines: Lines, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    log.info("said", extra={"title": "Основы геологии", "мера": "ъ"})
    (line,) = lines()
    assert (line["title"], line["мера"]) == ("Основы геологии", "ъ")
    with redirect_stdout(io.StringIO()) as output:
        configure_logging("api", "INFO", "test", "1.2.3")
        log.info("said", extra={"title": "Основы"})
    assert "Основы" in output.getvalue()


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", '"', "\\", "\0", "\x1b[2J", "\u2028", "😀", "\ud800", "%s %d", "{}"]
)
def test_any_text_stays_one_line(lines: Lines, text: str) -> None:
    log.info(text.replace("%", "%%"), extra={"text": text})
    log.info("next")
    first, second = lines()
    assert first["text"] == text
    assert second["message"] == "next"


def test_values_of_any_type_are_written(lines: Lines) -> None:
    ids = UUID(int=1)
    log.info("said", extra={"a": ids, "b": datetime(2026, 1, 1, tzinfo=UTC), "c": {1, 2}, "d": b"x", "e": object()})
    (line,) = lines()
    assert line["a"] == str(ids)
    assert line["b"].startswith("2026-01-01T00:00:00")


@pytest.mark.parametrize("value", [2**70, -(2**64), 0.1, None, True, {"1": [{}]}, ["\ud800", 2**64]])
def test_values_of_json_are_written_as_they_are(lines: Lines, value: object) -> None:
    log.info("said", extra={"value": value})
    assert lines()[0]["value"] == value


def test_arguments_of_other_libraries_are_filled_in(lines: Lines) -> None:
    logging.getLogger("library").error("lost %s after %d s", "it", 3)
    assert lines()[0]["message"] == "lost it after 3 s"


def test_bound_fields_are_in_every_line_of_the_block(lines: Lines) -> None:
    with bind(requestId="1", userId=UUID(int=1), jobId=None):
        log.info("first")
        with bind(courseId="c"):
            logging.getLogger("library").info("second")
        log.info("third")
    log.info("fourth")
    first, second, third, fourth = lines()
    for line in (first, second, third):
        assert (line["requestId"], line["userId"]) == ("1", str(UUID(int=1)))
        assert "jobId" not in line
    assert second["courseId"] == "c"
    assert "courseId" not in third
    assert fourth.keys().isdisjoint({"requestId", "userId", "courseId"})


def test_bound_fields_end_with_the_block_even_if_it_raises(lines: Lines) -> None:
    with pytest.raises(ValueError, match="no"), bind(requestId="1"):
        raise ValueError("no")
    log.info("after")
    assert "requestId" not in lines()[0]


def test_an_inner_block_can_bind_a_field_again(lines: Lines) -> None:
    with bind(stage="a"), bind(stage="b"):
        log.info("inside", extra={"stage": "c"})
    assert lines()[0]["stage"] == "b"


def test_bind_also_needs_a_block_and_ends_with_it(lines: Lines) -> None:
    bind_also(userId="1")
    log.info("outside")
    with bind(requestId="2"):
        bind_also(userId="3")
        log.info("inside")
    log.info("after")
    outside, inside, after = lines()
    assert (inside["requestId"], inside["userId"]) == ("2", "3")
    assert outside.keys() | after.keys() == inside.keys() - {"requestId", "userId"}


def test_threads_do_not_share_bound_fields(lines: Lines) -> None:
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        with bind(requestId=number):
            barrier.wait(5)
            log.info("said", extra={"number": number})

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = lines()
    assert sorted(line["number"] for line in found) == [0, 1, 2, 3]
    assert all(line["requestId"] == str(line["number"]) for line in found)


def test_an_exception_is_part_of_its_line(lines: Lines) -> None:
    try:
        raise KeyError("причина\nвторая строка")
    except KeyError:
        log.exception("failed")
    (line,) = lines()
    assert (line["level"], line["message"]) == ("error", "failed")
    assert "Traceback" in line["exc_info"]
    assert "причина" in line["exc_info"]


def test_configuring_twice_writes_each_line_once(lines: Lines) -> None:
    with redirect_stdout(sys.stdout):
        output = io.StringIO()
        with redirect_stdout(output):
            configure_logging("worker", "WARNING", "production", "2")
    log.info("quiet")
    log.warning("loud")
    assert lines() == []
    (line,) = [json.loads(text) for text in output.getvalue().splitlines()]
    assert (line["message"], line["service"], line["environment"], line["version"]) == (
        "loud",
        "worker",
        "production",
        "2",
    )


def test_fields_cannot_pass_for_those_of_the_line(lines: Lines) -> None:
    log.info("said", extra={"timestamp": "never", "level": "fine", "service": "other", "logger": "x", "version": "9"})
    (line,) = lines()
    assert (line["level"], line["service"], line["logger"], line["version"]) == ("info", "api", "tests.log", "1.2.3")
    assert line["timestamp"] != "never"

"""The plug-in that pays, against a server that misbehaves as such servers do."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import lessons_plugin.provider
import pytest
from lessons_plugin.drafting import connect, handle

from pipeline.contract import (
    BudgetExhausted,
    Course,
    Document,
    Lesson,
    Outline,
    ProviderBusy,
    Section,
    Span,
    StageFailed,
    StageInput,
)
from pipeline.testing import StageRun, Units, run_stage
from tests.unit.examples.bad_provider import (
    USAGE,
    BadProvider,
    Behaviour,
    chunk,
    hang,
    hang_up,
    providing,
    status,
    stream,
    whole,
)

Answering = Callable[..., BadProvider]

KEY = "sk-0123456789abcdef"
TEXT = "# Урок 1\n\nТекст\n"
GOOD = stream(*whole())


@pytest.fixture(scope="module")
def running() -> Iterator[BadProvider]:
    """The server that all tests share: a client of its own for each test would take most of their time."""
    with providing(GOOD) as provider:
        yield provider


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, running: BadProvider) -> None:
    values = {
        "MODEL": "m-1",
        "TRIES": "2",
        "SILENCE_S": "0.5",
        "ANSWER_S": "1",
        "PRICE_IN": "1000",
        "PRICE_OUT": "5000",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"LESSONS_{name}", value)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", running.url)
    monkeypatch.setattr(lessons_plugin.provider, "BACKOFF_S", 0.01)


def course(lessons: int = 1) -> StageInput:
    made = tuple(Lesson(f"Урок {n}", ("Цель",), (Span(0, 0, 6),)) for n in range(1, lessons + 1))
    document = Document("f", "Лекция", "text/plain", "Пассаж и остальное")
    outline = Outline((Section("Раздел", made),))
    return StageInput(Course("c", "Курс", language="ru"), "/nowhere", documents=(document,), outline=outline)


@pytest.fixture
def answering(running: BadProvider) -> Answering:
    """Has the server behave so from now on."""

    def answer(*behaviours: Behaviour) -> BadProvider:
        running.behaviours, running.requests = list(behaviours), []
        return running

    return answer


def draft(lessons: int = 1, units: Units | None = None) -> StageRun:
    return run_stage("TEXT_GENERATION", handle, course(lessons), units)


def test_each_lesson_is_streamed_counted_and_saved(answering: Answering) -> None:
    provider = answering(GOOD)
    done = draft(2)
    assert [each.text for each in done.result] == [TEXT, TEXT.replace("1", "2")]
    assert (done.units.calls, done.units.tokens, float(done.units.money)) == (2, 240, 0.4)
    assert done.units.made_by["1"]["model"] == "m-2"  # the one that answered
    assert done.reports[-1] == (2, 2)
    assert any(0 < reported < 1 for reported, _ in done.reports)
    [(body, headers), (_, others)] = provider.requests
    assert (body["model"], body["stream"]) == ("m-1", True)
    assert "Пассаж" in body["messages"][1]["content"]
    assert "остальное" not in body["messages"][1]["content"]
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["idempotency-key"] != others["idempotency-key"]


def test_a_second_run_asks_only_for_what_is_not_finished(monkeypatch: pytest.MonkeyPatch, answering: Answering) -> None:
    units = Units()
    answering(GOOD, status(429, Retry_After="40"))
    with pytest.raises(ProviderBusy) as caught:
        draft(2, units)
    assert caught.value.retry_after_s == 40
    provider = answering(GOOD)
    assert len(draft(2, units).result) == 2
    assert len(provider.requests) == 1
    monkeypatch.setenv("LESSONS_MODEL", "another")
    provider = answering(GOOD)
    draft(2, units)
    assert len(provider.requests) == 2


BUSY = {
    "429": status(429),
    "500": status(500),
    "502 of a proxy": status(502, "<html>Bad Gateway</html>"),
    "503": status(503),
    "529": status(529),
    "hangs": hang,
    "hangs up": hang_up,
}
BROKEN = {
    "cut": stream(chunk("Тек"), end="cut"),
    "ends early": stream(chunk("Тек"), "[DONE]"),
    "ends before it began": stream(),
    "hangs midway": stream(chunk("Тек"), end="hang"),
    "drips": stream(*[chunk("т") for _ in range(100)], every_s=0.1),
    "keeps alive and drips": stream(": PROCESSING", chunk("т"), *[chunk("") for _ in range(100)], every_s=0.1),
    "no JSON": stream(chunk("Тек"), "{nonsense"),
    "no object": stream("[1]"),
    "error within": stream(chunk("Тек"), {"error": {"message": "overloaded", "code": 502}}),
    "no choices": stream(chunk(choices=[]), chunk(choices=None), "[DONE]"),
    "no text": stream(chunk(reason="stop"), "[DONE]"),
    "blank": stream(chunk(" \n"), chunk(reason="stop"), "[DONE]"),
    "a null delta": stream(chunk(choices=[{"index": 0, "delta": None, "finish_reason": "stop"}])),
    "a delta of another kind": stream(chunk(choices=[{"index": 0, "delta": {"content": {"a": 1}}}])),
    "without end": stream(*[chunk("текст " * 5_000) for _ in range(40)], end="hang"),
    "a page": status(200, "<html>Welcome</html>"),
}


@pytest.mark.parametrize("how", [*BUSY, *BROKEN])
def test_what_goes_wrong_once_is_tried_again(answering: Answering, how: str) -> None:
    provider = answering((BUSY | BROKEN)[how], GOOD)
    done = draft()
    assert done.result[0].text == TEXT
    assert done.units.calls == len(provider.requests) == 2
    assert len({headers["idempotency-key"] for _, headers in provider.requests}) == 1


@pytest.mark.parametrize("how", BUSY)
def test_a_provider_that_is_away_pauses_the_stage(answering: Answering, how: str) -> None:
    provider = answering(BUSY[how])
    with pytest.raises(ProviderBusy) as caught:
        draft()
    assert (caught.value.retry_after_s, len(provider.requests)) == (None, 2)


def test_a_provider_that_refuses_connections_pauses_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/v1")
    connect.cache_clear()
    with pytest.raises(ProviderBusy):
        draft()
    connect.cache_clear()


def test_a_provider_whose_answers_are_broken_fails_the_start_and_is_paid(answering: Answering) -> None:
    units = Units()
    answering(BROKEN["cut"])
    with pytest.raises(lessons_plugin.provider.NoAnswer):
        draft(1, units)
    assert units.calls == 2
    assert units.tokens > 0  # nobody counted them


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (status(400), "отклонил запрос"),
        (status(401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}), "401"),
        (status(402), "закончились средства"),
        (status(403), "отклонил запрос"),
        (status(404, {"error": {"message": "no such model", "code": "model_not_found"}}), "404"),
        (
            status(429, {"error": {"message": "x", "code": "insufficient_quota"}}, Retry_After="5"),
            "закончились средства",
        ),
        (stream(chunk("Текст"), chunk(reason="length"), "[DONE]"), "не уместился"),
        (stream(chunk(reason="content_filter"), "[DONE]"), "отказался"),
    ],
)
def test_what_no_further_try_mends_fails_at_once(answering: Answering, behaviour: Behaviour, message: str) -> None:
    provider = answering(behaviour)
    with pytest.raises(StageFailed, match=message) as caught:
        draft()
    assert len(provider.requests) == 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        (format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True), 0),
    ],
)
def test_a_wait_is_read_as_servers_write_it(answering: Answering, header: str, wait: float | None) -> None:
    answering(status(503, Retry_After=header))
    with pytest.raises(ProviderBusy) as caught:
        draft()
    assert caught.value.retry_after_s == wait


def test_a_date_to_wait_for_is_in_the_future(answering: Answering) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    answering(status(429, Retry_After=later))
    with pytest.raises(ProviderBusy) as caught:
        draft()
    assert caught.value.retry_after_s
    assert 3000 < caught.value.retry_after_s <= 3600


@pytest.mark.parametrize(
    ("usage", "tokens", "money"),
    [
        ({**USAGE, "cost": 0.07}, 120, 0.07),
        ({**USAGE, "cost": "x"}, 120, 0.2),
        ({"prompt_tokens": -5, "completion_tokens": None, "total_tokens": 0}, 0, 0.0),
    ],
)
def test_what_an_answer_costs_is_what_the_server_says_or_the_prices(
    answering: Answering, usage: dict[str, Any], tokens: int, money: float
) -> None:
    answering(stream(*whole(usage=usage)))
    units = draft().units
    assert (units.tokens, float(units.money)) == (tokens, money)


def test_a_server_that_counts_nothing_is_counted_by_characters(answering: Answering) -> None:
    answering(stream(*whole(usage=None)))
    assert 20 < draft().units.tokens < 1000


def test_each_try_is_a_call_of_the_budget(answering: Answering) -> None:
    units = Units(most_calls=2)
    provider = answering(status(500), GOOD)
    with pytest.raises(BudgetExhausted):
        draft(2, units)
    assert len(provider.requests) == 2
    assert list(units.results) == ["1"]


@pytest.mark.parametrize(
    ("name", "value"), [("LESSONS_MODEL", None), ("LESSONS_TRIES", "many"), ("LESSONS_TRIES", "0")]
)
def test_a_plug_in_without_its_settings_says_so(monkeypatch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    monkeypatch.delenv(name)
    if value is not None:
        monkeypatch.setenv(name, value)
    with pytest.raises(StageFailed, match="не настроен"):
        draft()

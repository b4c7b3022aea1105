"""One answer of a model, however its server behaves: paid for call by call, bounded in time and size."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai
from openai import OpenAI

from lessons_plugin.settings import Settings
from pipeline.contract import ProviderBusy, StageFailed
from pipeline.work import Unit

#: Characters of an answer; a model that repeats itself does not end.
MAX_CHARACTERS = 200_000
#: Before the second try, in seconds; doubled before each further one.
BACKOFF_S = 1.0
#: Characters of a token, where the server does not count them.
CHARACTERS_PER_TOKEN = 3

#: Of a conversation, each with its role and content.
Messages = list[dict[str, str]]

log = logging.getLogger(__name__)


class NoAnswer(Exception):
    """The server sent no whole answer. Another try may get one."""


class Provider:
    """The server of a model. Keeps its connections while the process lives."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # We retry and count here, so the client must not.
        self._client = OpenAI(api_key=settings.api_key, max_retries=0, timeout=settings.silence_s)

    def answer(self, unit: Unit, messages: Messages, on_text: Callable[[int], None]) -> tuple[str, str]:
        """The answer, and the name of the model that gave it. `on_text` hears how many characters have come.

        Raises `ProviderBusy` if the server asks to wait or is away, `StageFailed` for an error that a retry can't fix,
        and `NoAnswer` if every try failed for another reason.
        """
        for attempt in range(1, self._settings.tries + 1):
            unit.spend(calls=1)
            try:
                return self._try(unit, messages, on_text)
            except (NoAnswer, ProviderBusy) as error:
                is_asked_to_wait = isinstance(error, ProviderBusy) and error.retry_after_s is not None
                if attempt == self._settings.tries or is_asked_to_wait:
                    raise
                log.warning("answer_failed", extra={"unit": unit.name, "attempt": attempt, "error": str(error)})
                time.sleep(BACKOFF_S * 2 ** (attempt - 1))
        raise AssertionError("unreachable")

    def _try(self, unit: Unit, messages: Messages, on_text: Callable[[int], None]) -> tuple[str, str]:
        answer = _Answer(self._settings.model, time.monotonic() + self._settings.answer_s)
        try:
            create: Any = self._client.chat.completions.create  # its types name the models and roles of one vendor
            stream = create(
                model=self._settings.model,
                messages=messages,
                max_tokens=self._settings.max_tokens,
                temperature=self._settings.temperature,
                stream=True,
                stream_options={"include_usage": True},
                extra_headers={"Idempotency-Key": unit.key},
            )
            with closing(stream):
                for _ in answer.read(stream):
                    on_text(answer.size)
        except openai.APIStatusError as error:
            raise _translate(error) from error
        except openai.APIConnectionError as error:
            raise (NoAnswer if answer.size else ProviderBusy)(f"{type(error).__name__}: {error}") from error
        except (NoAnswer, StageFailed):
            raise
        except Exception as error:  # what the client lets through: its transport's errors, bad JSON, a wrong shape
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        finally:
            if answer.has_begun:
                self._pay(unit, messages, answer)
        return answer.finish(unit.name), answer.model

    def _pay(self, unit: Unit, messages: Messages, answer: "_Answer") -> None:
        """Counts what the server counted, or what it must have been."""
        asked = sum(len(message["content"]) for message in messages) // CHARACTERS_PER_TOKEN
        tokens_in, tokens_out, cost = answer.usage or (asked, answer.size // CHARACTERS_PER_TOKEN, None)
        if cost is None:
            cost = (tokens_in * self._settings.price_in + tokens_out * self._settings.price_out) / 1_000_000
        unit.spend(tokens=tokens_in + tokens_out, money=cost)


class _Answer:
    """An answer as it comes."""

    def __init__(self, model: str, ends_at: float) -> None:
        self.model = model
        self.has_begun = False
        self.size = 0
        self.usage: tuple[int, int, float | None] | None = None
        self._ends_at = ends_at
        self._parts: list[str] = []
        self._reason: str | None = None

    def read(self, stream: Any) -> Iterator[None]:
        """Yields after each piece of text."""
        for chunk in stream:
            self.has_begun = True
            self.model = chunk.model or self.model
            if chunk.usage:
                cost = getattr(chunk.usage, "cost", None)  # OpenRouter's
                self.usage = (_count(chunk.usage.prompt_tokens), _count(chunk.usage.completion_tokens), _money(cost))
            for choice in (chunk.choices or ())[:1]:
                self._reason = choice.finish_reason or self._reason
                if isinstance(text := choice.delta and choice.delta.content, str):
                    self._parts.append(text)
                    self.size += len(text)
            if self.size > MAX_CHARACTERS:
                raise NoAnswer(f"The answer is longer than {MAX_CHARACTERS} characters")
            if time.monotonic() > self._ends_at:
                raise NoAnswer("The answer takes too long")
            yield

    def finish(self, unit: str) -> str:
        """The whole text. Raises if it is not whole."""
        if self._reason == "length":
            raise StageFailed(f"Урок {unit} не уместился в ответ модели. Увеличьте LESSONS_MAX_TOKENS.")
        if self._reason == "content_filter":
            raise StageFailed(f"Провайдер отказался писать урок {unit}.")
        text = "".join(self._parts).replace("\0", "").strip()
        if self._reason is None or not text:
            raise NoAnswer(f"The answer has {len(text)} characters and ends with {self._reason}")
        return text


def _translate(error: openai.APIStatusError) -> Exception:
    """What an error's status means for the stage."""
    log.warning("provider_refused", extra={"status": error.status_code, "code": error.code, "error": error.message})
    why = f"{error.status_code} {error.message}"
    if error.status_code == 402 or error.code == "insufficient_quota":
        return StageFailed("У провайдера закончились средства. Обратитесь к администратору.")
    if error.status_code in (408, 409, 425, 429) or error.status_code >= 500:
        return ProviderBusy(why, _read_wait(error.response.headers.get("retry-after")))
    return StageFailed(f"Провайдер отклонил запрос ({error.status_code}). Обратитесь к администратору.")


def _read_wait(text: str | None) -> float | None:
    """The seconds of a Retry-After, which may also be a date."""
    try:
        wait = float(text or "")
    except ValueError:
        try:
            wait = (parsedate_to_datetime(text or "") - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(wait, 0.0) if math.isfinite(wait) else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0


def _money(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value < 10**6 else None

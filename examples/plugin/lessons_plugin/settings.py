"""The plug-in's own settings, from the variables that `HANDLER_TEXT_GENERATION_ENV` passes on."""

import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """Times are in seconds, prices in money per million tokens. The client itself reads `OPENAI_BASE_URL`."""

    model: str
    api_key: str = field(repr=False)
    max_tokens: int
    temperature: float
    tries: int
    silence_s: float
    answer_s: float
    price_in: float
    price_out: float


def read_settings() -> Settings:
    """The settings. Raises ValueError for one that is missing or no number."""

    def number(name: str, default: float) -> float:
        value = float(os.environ.get(f"LESSONS_{name}") or default)
        if not 0 <= value < float("inf"):
            raise ValueError(f"LESSONS_{name}")
        return value

    if not os.environ.get("LESSONS_MODEL") or number("TRIES", 3) < 1:
        raise ValueError("LESSONS_MODEL, LESSONS_TRIES")

    return Settings(
        model=os.environ["LESSONS_MODEL"],
        api_key=os.environ.get("OPENAI_API_KEY") or "none",  # servers of one's own ask for none
        max_tokens=int(number("MAX_TOKENS", 4000)),
        temperature=number("TEMPERATURE", 0.3),
        tries=int(number("TRIES", 3)),
        silence_s=number("SILENCE_S", 60),
        answer_s=number("ANSWER_S", 300),
        price_in=number("PRICE_IN", 0),
        price_out=number("PRICE_OUT", 0),
    )

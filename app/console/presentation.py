"""How values look on a page. Text that users wrote is always made inert and cut."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
from flask import Flask, g, request
from markupsafe import Markup
from psycopg.rows import DictRow

from app.auth.operators import ConsoleRole
from app.console.access import may, reading
from app.console.fragments import is_fragment
from app.console.languages import LANGUAGES, language, mark, translate
from app.operations.ages import say_age
from app.operations.controls import list_controls
from app.operations.doctor.texts import render
from app.settings import Settings
from app.telemetry.printable import inert

#: Characters of a text in a list, and on a page of its own.
CUT = 160
LONG = 4000
HIDDEN = mark("(hidden from viewers)")
#: A state is a sign and a word, and never a colour alone.
SIGNS = {
    **dict.fromkeys(("waiting", "queued", "pending"), "◌"),
    **dict.fromkeys(("running", "in_progress"), "▶"),
    **dict.fromkeys(("awaiting_approval", "paused"), "⏸"),
    **dict.fromkeys(("completed", "delivered", "ok", "done"), "✓"),
    **dict.fromkeys(("failed", "given_up", "timeout", "died", "error", "fatal", "silent", "overdue"), "✗"),
    **dict.fromkeys(("cancelled", "gone"), "⊘"),
    **dict.fromkeys(("shutdown", "interrupted", "superseded", "changed"), "↩"),
    **dict.fromkeys(("warning", "warn", "conflicts"), "!"),
    **dict.fromkeys(("info", "none", "same"), "·"),
    "differs": "≠",
}
#: What the names of controls begin with.
CONTROLS = {
    "admissions": mark("admissions"),
    "stages": mark("all stages"),
    "stage": mark("stage"),
    "limit": mark("limit"),
    "aging": mark("aging"),
}
PAGES = {
    "/": mark("Now"),
    "/generations": mark("Generations"),
    "/workers": mark("Workers"),
    "/queue": mark("Queue"),
    "/slots": mark("Slots"),
    "/webhooks": mark("Webhooks"),
    "/events": mark("Events"),
    "/periodic": mark("Periodic"),
    "/settings": mark("Settings"),
    "/audit": mark("Audit"),
}


def register_filters(app: Flask, settings: Settings) -> None:
    app.jinja_env.filters.update(age=age, when=when, cut=cut, said=said, private=private, state=state, stage=stage)
    app.jinja_env.filters.update(moment=moment, short=short, cause=cause, told=told)
    app.jinja_env.filters["control"] = control
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def add_common() -> dict[str, Any]:
        return {
            "environment": settings.app_env,
            "version": settings.app_version,
            "pages": PAGES.items(),
            "language": language(),
            "languages": LANGUAGES,
            "here": f"/{request.path.split('/')[1]}",
            "signed_in": g.get("operator"),
            "form_token": g.get("form_token", ""),
            "may_act": "operator" in g and may(ConsoleRole.OPERATOR),
            "now": datetime.now(UTC),
            "is_fragment": is_fragment(),
            "controls": read_controls,
            "pauses": lambda: [row for row in read_controls() if row["value"] is None],
        }


def read_controls() -> list[DictRow]:
    """What operators override now; nothing while the database can't be used."""
    if "controls" not in g:
        try:
            g.controls = list_controls(reading().db)
        except psycopg.Error:
            g.controls = []
    return cast(list[DictRow], g.controls)


def control(name: str) -> str:
    """The name of a control, as words."""
    kind, _, paused = name.partition(":")
    words = translate(CONTROLS[kind])
    return f"{words} {stage(paused)}" if paused else words


def age(seconds: float | None) -> str:
    return "–" if seconds is None else say_age(seconds, translate)


def when(value: Any) -> Markup:
    """A time in UTC; the element has it in full."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return Markup("–")
    if not isinstance(value, datetime):
        return Markup("–")
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), f"{value:%Y-%m-%d %H:%M:%S}")


def moment(value: datetime) -> Markup:
    """A time of a series: its age says nothing."""
    return Markup('<time datetime="{}" data-plain>{}</time>').format(
        value.isoformat(), f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    )


def short(value: float) -> str:
    """The number to three digits, as `charts.js` writes it."""
    return f"{float(f'{value:.3g}'):.10g}"


def cause(row: Mapping[str, Any]) -> str:
    """The name of a cause of failures, as `coursegen.failure_cause_v1` has it."""
    return hashlib.md5(
        "\n".join((row["stage"], row["cause"], row["error"])).encode(), usedforsecurity=False
    ).hexdigest()


def cut(value: Any, length: int = CUT) -> Markup:
    """The text, inert, in an element of its own direction, at most so long."""
    if value is None or value == "":
        return Markup("–")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    shown = inert(text[: length + 1], keep="\n")
    return Markup("<bdi>{}</bdi>").format(shown if len(shown) <= length else f"{shown[:length]}…")


def said(sentence: str) -> Markup:
    """A sentence of `doctor`: what stands in backticks is code."""
    *parts, last = inert(sentence[:1000]).split("`")
    marks = [Markup("{}<code>") if number % 2 == 0 else Markup("{}</code>") for number in range(len(parts))]
    closing = Markup("</code>") if len(parts) % 2 else Markup("")
    return Markup("").join([*(mark.format(part) for mark, part in zip(marks, parts, strict=True)), last, closing])


def told(text: str) -> Markup:
    """A text of `doctor` in the reader's language, without what persons wrote if the reader is a viewer."""
    return said(render(text, translate, None if may(ConsoleRole.OPERATOR) else translate(HIDDEN)))


def private(value: Any, length: int = CUT) -> Markup | str:
    """Text that may hold what users wrote: for operators."""
    return cut(value, length) if may(ConsoleRole.OPERATOR) else translate(HIDDEN) if value else Markup("–")


def state(name: Any) -> Markup:
    """A state with its sign."""
    if not name:
        return Markup("–")
    return Markup('<span class="state {0}"><span aria-hidden="true">{1}</span> {2}</span>').format(
        name, SIGNS.get(str(name), "·"), translate(readable(str(name)))
    )


def stage(name: str) -> str:
    return translate(readable(name))


def readable(name: str) -> str:
    """A name of the database's as words."""
    return name.replace("_", " ").lower()

"""The pages' languages: English, and Russian by `ru.po`. The browser's preference counts, unless the reader chose."""

import io
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Blueprint, Flask, g, redirect, request
from werkzeug.wrappers import Response

from app.console.paths import is_own_path

LANGUAGES = {"en": "English", "ru": "Русский"}
COOKIE = "coursegen_language"
YEAR_S = 365 * 86400

blueprint = Blueprint("languages", __name__)


def mark(text: str) -> str:
    """The text itself, which is translated where it is shown."""
    return text


def language() -> str:
    """The language of the current request."""
    if "language" not in g:
        chosen = request.cookies.get(COOKIE)
        g.language = chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, "en")
    return str(g.language)


def translate(text: str) -> str:
    """The text in the language of the current request; as it is where there is no translation."""
    return _RUSSIAN.gettext(text) if text and language() == "ru" else text


def register_languages(app: Flask) -> None:
    app.jinja_env.add_extension("jinja2.ext.i18n")
    install: Any = app.jinja_env
    install.install_gettext_callables(translate, lambda one, many, n: translate(one if n == 1 else many), newstyle=True)
    app.register_blueprint(blueprint)


@blueprint.get("/language/<name>")
def choose(name: str) -> Response:
    """Keeps the choice in this browser, and leads back."""
    back = request.args.get("back", "/")
    response = redirect(back if is_own_path(back) else "/", 303)
    if name in LANGUAGES:
        response.set_cookie(COOKIE, name, max_age=YEAR_S, httponly=True, samesite="Lax")
    return response


def _load(name: str) -> Translations:
    """The translations of that file, which is read once and kept as text, so that it can be reviewed."""
    compiled = io.BytesIO()
    with Path(__file__).with_name(name).open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return Translations(compiled)


_RUSSIAN = _load("ru.po")

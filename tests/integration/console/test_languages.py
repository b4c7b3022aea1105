"""The pages in the reader's language."""

from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import psycopg
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from psycopg.rows import DictRow

from app import console
from app.console.presentation import SIGNS, readable
from app.generation.stages import Stage
from app.operations import ages, doctor, forms, listings
from app.operations.doctor.texts import Private, join, render, say
from app.operations.generations import bulk, filters, show
from tests.integration.console.conftest import SignIn
from tests.integration.operations.rows import Past, minutes

FOLDER = Path(console.__file__).parent
DOCTOR = Path(doctor.__file__).parent


def test_every_text_of_the_pages_is_translated_and_no_other() -> None:
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    marks: dict[str, None] = dict.fromkeys(("_", "mark", "translate"))
    texts = {str(found[2]) for found in extract_from_dir(FOLDER, methods, keywords=marks)}
    texts |= {str(found[2]) for found in extract_from_dir(DOCTOR, [("**.py", "python")], keywords={"say": None})}
    texts |= {*doctor.CLAUSES.values(), *filters.SAID.values(), *forms.RESULTS.values(), *ages.UNITS}
    texts |= {*bulk.WHYS.values(), *listings.PERIODIC_DOES.values(), *show.STEP_NAMES}
    texts |= {readable(name) for name in [*SIGNS, *Stage.__members__]} | {"viewer", "operator", "admin", "refused"}
    with (FOLDER / "ru.po").open("rb") as file:
        translated = {str(message.id): str(message.string) for message in read_po(file) if message.id}
    assert set(translated) == texts
    for text, russian in translated.items():
        assert russian, text
        assert fields(russian) == fields(text), text
        assert russian.count("%(") == text.count("%("), text


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


def test_the_browser_or_the_reader_chooses(sign_in: SignIn) -> None:
    browser = sign_in()
    for preferred, chosen, language in [
        ("ru-RU,ru;q=0.9,en;q=0.8", None, "ru"),
        ("en-GB,en;q=0.9,ru;q=0.1", None, "en"),
        ("de", None, "en"),
        ("", None, "en"),
        ("ru", "xx", "ru"),
        ("en", "ru", "ru"),
        ("ru", "en", "en"),
    ]:
        if chosen:
            answer = browser.get(f"/language/{chosen}?back=/generations?status=failed")
            assert answer.location == "/generations?status=failed"
        page = browser.get("/queue", headers={"Accept-Language": preferred}).text
        assert f'<html lang="{language}">' in page, preferred
        assert ("Ничего не ждёт" in page) is (language == "ru"), preferred


def test_the_sentence_and_one_generation_are_russian(sign_in: SignIn, conn: psycopg.Connection[DictRow]) -> None:
    generation = Past(conn).generation(datetime.now(UTC) - minutes(61), status="running", stage="TEXT_GENERATION")
    browser = sign_in()
    russian = {"Accept-Language": "ru"}
    page = browser.get("/", headers=russian).text
    assert "активных генераций без движения дольше 15 мин: 1. См. <code>coursegen generations show</code>" in page
    assert "живых: 0. Запустите <code>coursegen worker</code>" in page
    assert "Курс (1) без движения 1 ч 1 мин; никто не обслуживает <code>stages</code>" in page
    page = browser.get(f"/generations/{generation}", headers=russian).text
    assert "Ни у кого в работе: «генерация текста» ждёт." in page
    assert "«status» — не одно из" in browser.get("/generations?status=x", headers=russian).text


def test_the_choice_leads_nowhere_else(sign_in: SignIn) -> None:
    browser = sign_in()
    for back in ["//evil.example", "https://evil.example", "/\\evil.example"]:
        assert browser.get("/language/ru", query_string={"back": back}).location == "/", back


def test_a_length_of_time_is_said_in_two_units_at_most() -> None:
    said = {0: "0 s", 59: "59 s", 60: "1 min", 3599: "59 min", 3600: "1 h", 3661: "1 h 1 min", 90_000: "1 d 1 h"}
    assert {seconds: ages.say_age(seconds) for seconds in said} == said
    assert ages.say_age(-5) == "0 s"


def test_what_an_operator_wrote_is_told_to_operators_alone(sign_in: SignIn, conn: psycopg.Connection[DictRow]) -> None:
    conn.execute(
        "insert into coursegen.controls (name, set_by, reason) values ('admissions', 'cli:ops', 'провайдер молчит')"
    )
    russian = {"Accept-Language": "ru"}
    assert "приостановил cli:ops: провайдер молчит. Когда приём" in sign_in("operator").get("/", headers=russian).text
    page = sign_in("viewer").get("/", headers=russian).text
    assert "приостановил cli:ops: (скрыто от наблюдателей). Когда приём" in page
    assert "провайдер" not in page


def test_a_text_keeps_its_parts() -> None:
    russian = {"{n} alive": "живых: {n}", ", {n} wait for {age}": ", {n} ждёт {age}", "min": "мин"}.get
    text = say("{n} alive", n=2) + say(", {n} wait for {age}", n=say("{n} alive", n=1), age=120) + ", {x}"
    assert (str(text), render(text, lambda each: each)) == ("2 alive, 1 alive wait for 2 min, {x}",) * 2
    assert render(text, lambda each: russian(each, each)) == "живых: 2, живых: 1 ждёт 2 мин, {x}"
    assert join("; ", ["a", say("{n}", n=Private("b"))]) == "a; b"
    assert render(say("{n}", n=Private("b")), str, "hidden") == "hidden"
    assert render("{plain}", str, "hidden") == "{plain}"

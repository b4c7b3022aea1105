"""Drafts carry their sources, nested and readable."""

import re

import pytest
from hypothesis import given

from pipeline.contract import Course, Document, Lesson, Outline, Section, Span, StageFailed, StageInput
from pipeline.formats.html import read_html
from pipeline.markdown_text import scan_lines
from pipeline.outline.names.titles import is_only_number
from pipeline.text_generation import handle
from tests.unit.pipeline.builders import COURSES, DOCUMENTS, finish, ignore, markdown, plain


def draft(lesson: Lesson, *documents: Document, section: str = "Раздел", language: str = "ru") -> str:
    outline = Outline((Section(section, (lesson,)),))
    given = StageInput(Course("c", "Курс", language=language), "/", documents, outline=outline)
    return handle(given, ignore)[0].text


def whole(document: Document, title: str = "Урок", **fields: tuple[str, ...]) -> Lesson:
    return Lesson(title, sources=(Span(0, 0, len(document.text)),), **fields)


def test_draft_has_heading_goals_passages_and_questions() -> None:
    document = markdown("### Вход\n\nТекст.\n\n#### Пароль\n\nЕщё.\n\n### Выход\n\nКонец.")
    assert draft(whole(document, goals=("Входить.",)), document) == (
        "# Урок\n\n**Цели урока:**\n\n- Входить.\n\n"
        "## Вход\n\nТекст.\n\n### Пароль\n\nЕщё.\n\n## Выход\n\nКонец.\n\n"
        "## Проверьте себя\n\n"
        "1. Как бы вы объяснили коллеге тему «Вход»?\n"
        "2. Что самое важное в теме «Пароль»?\n"
        "3. Какой пример к теме «Выход» вы можете привести?\n"
        "4. Достигнута ли цель «Входить»? Чем вы это подтвердите?\n"
    )


def test_heading_that_only_repeats_the_title_is_left_out() -> None:
    document = markdown("# Раздел\n\nВведение.\n\n## 1.1 Урок\n\nТекст.\n\n### Урок\n\nЕщё.")
    assert draft(whole(document), document).startswith("# Урок\n\nВведение.\n\nТекст.\n\n## Урок\n\nЕщё.")


def test_underlined_headings_lose_their_underline() -> None:
    document = markdown("Раз\nдва\n===\n\nТекст.\n\nТри\n---\nКонец.")
    assert "## Раз два\n\nТекст.\n\n### Три\n\nКонец.\n" in draft(whole(document), document)


def test_fence_left_open_is_closed() -> None:
    document = markdown("Текст\n\n```sql\nselect 1;\n# не заголовок")
    assert "```sql\nselect 1;\n# не заголовок\n```\n\n## Проверьте" in draft(whole(document), document)


def test_markdown_is_quoted_as_written() -> None:
    text = "Строка  \nс <b>разметкой</b> и `кодом`.\n\n    # код\n\n> цитата"
    document = markdown(text)
    assert f"\n\n{text}\n\n" in draft(whole(document), document)


def test_plain_text_does_not_turn_into_markup() -> None:
    document = plain(
        "Тег <script> и знак a < b.\n# не заголовок\n---\nконец\n\n    Красная строка\nи продолжение\n\n    код <b>"
    )
    assert (
        "Тег \\<script> и знак a < b.\n\\# не заголовок\n\\---\nконец\n\n"
        "Красная строка\nи продолжение\n\n```\nкод <b>\n```\n"
    ) in draft(whole(document), document)


def test_page_about_tags_shows_the_tags() -> None:
    content = read_html(b"<p>The &lt;p&gt; tag, or <code>&lt;b&gt;</code></p><pre>&lt;i&gt;</pre>")
    document = Document("1", "a.html", "text/html", content.text, content.headings)
    assert "The \\<p> tag, or `<b>`\n\n```\n<i>\n```\n" in draft(whole(document), document)


def test_passages_of_several_documents_follow_each_other() -> None:
    documents = (markdown("# А\n\nраз"), markdown("## Б\n\nдва"))
    lesson = Lesson("Урок", sources=(Span(0, 0, 8), Span(1, 0, 9)))
    assert "## А\n\nраз\n\n## Б\n\nдва\n" in draft(lesson, *documents)


def test_lesson_without_passages_gets_a_plan() -> None:
    outline = Outline((Section("S", (Lesson("Plans", ("Read a plan.",)),)),))
    text = handle(StageInput(Course("c", "SQL"), "/", outline=outline), ignore)[0].text
    assert "## Plan of the lesson\n\n1. Recall" in text
    assert "instructor: “Read a plan”." in text
    assert "Have you reached the goal “Read a plan”?" in text


def test_course_without_documents_is_introduced_and_recapped() -> None:
    course = Course(
        "c", "Основы SQL", description="Курс о запросах.", learning_outcomes=("Писать запросы", "Читать план")
    )
    given, _ = finish(course)
    assert "## О курсе\n\nКурс о запросах.\n\n## Чему вы научитесь\n\n- Писать запросы\n" in given.drafts[0].text
    assert "## Что мы прошли\n\n- Писать запросы\n- Читать план\n" in given.drafts[-1].text


def test_progress_is_reported_per_lesson() -> None:
    outline = Outline((Section("A", (Lesson("1"), Lesson("2"))), Section("B", (Lesson("3"),))))
    reports: list[tuple[int, int]] = []
    drafts = handle(StageInput(Course("c", "K"), "/", outline=outline), lambda *counts: reports.append(counts))
    assert reports == [(1, 3), (2, 3), (3, 3)]
    assert [draft.lesson for draft in drafts] == [1, 2, 3]


@pytest.mark.parametrize(
    "outline", [None, Outline(()), Outline((Section("A", (Lesson("1", sources=(Span(0, 0, 1),)),)),))]
)
def test_outline_that_can_not_be_drafted_fails(outline: Outline | None) -> None:
    with pytest.raises(StageFailed):
        handle(StageInput(Course("c", "K"), "/", outline=outline), ignore)


@given(COURSES, DOCUMENTS)
def test_only_the_first_line_of_a_draft_is_a_top_heading(course: Course, documents: tuple[Document, ...]) -> None:
    given_input, finished = finish(course, *documents)
    for made in given_input.drafts:
        lines = list(scan_lines(made.text, 0, len(made.text)))
        assert lines[0].text.startswith("# ")
        assert not lines[-1].after
    assert finished.summary["lessons"] == len(given_input.drafts)


@given(COURSES, DOCUMENTS)
def test_no_word_of_the_documents_is_lost(course: Course, documents: tuple[Document, ...]) -> None:
    _, finished = finish(course, *documents)
    words = {word for document in documents for word in re.findall(r"[^\W\d_]{2,}", document.text)}
    headings = [heading.text for document in documents for heading in document.headings]
    # Titles leave numbering out: «Глава 3. Права», "Six".
    numbering = {"Глава"} | {word for text in headings if is_only_number(text) for word in text.split()}
    assert {word for word in words - numbering if word not in finished.text} == set()


def test_a_table_that_goes_on_has_its_head_again() -> None:
    rows = "".join(f"| строка {n} | значение {n} |\n" for n in range(900))
    given, _ = finish(Course("c", "Курс", "ru"), markdown(f"# Таблица\n\nТекст.\n\n| A | B |\n|---|---|\n{rows}"))
    assert len(given.drafts) > 1
    assert all(made.text.count("| A | B |\n|---|---|\n| строка ") == 1 for made in given.drafts)


def test_links_and_notes_take_their_definitions_along() -> None:
    text = "Обычное предложение. " * 200
    document = markdown(
        f"# Один\n\nСмотри [книгу][b], [Ещё] и сноску[^1]. `[code]`\n\n{text}\n\n# Два\n\n{text}\n\n[b]: http://b.example\n"
        "[ещё]: http://e.example\n  'имя'\n[code]: http://c.example\n[^1]: Сноска, см. [x].\n\n[x]: http://x.example\n"
    )
    given, _ = finish(Course("c", "Курс", estimated_lessons=2), document)
    first, second = (made.text for made in given.drafts)
    assert "[b]: http://b.example\n[ещё]: http://e.example\n  'имя'\n[^1]: Сноска, см. [x].\n" in first
    assert "[x]: http://x.example" in first
    assert second.count("[b]: http://b.example") == 1


@pytest.mark.parametrize(
    ("language", "texts", "phrase"),
    [
        (None, ["# Запросы\n\nРусский текст."], "Проверьте себя"),
        (
            None,
            ["# C++\n\nЗаголовочные файлы и пространства имён.\n\n```\nint main() { return 0; }\n```"],
            "Проверьте себя",
        ),
        (None, ["# Queries\n\nEnglish text with one слово."], "Check yourself"),
        ("en", ["# Запросы\n\nРусский текст."], "Check yourself"),
        (None, ["# A\n\nShort.", "# Б\n\nДлинный русский текст, в котором больше букв."], "Проверьте себя"),
    ],
)
def test_a_course_speaks_the_language_of_its_documents(language: str | None, texts: list[str], phrase: str) -> None:
    given, finished = finish(Course("c", "SQL", language), *map(markdown, texts))
    assert all(phrase in made.text for made in given.drafts)
    assert finished.summary["language"] == ("ru" if phrase == "Проверьте себя" else "en")


def test_labels_that_several_documents_use_lead_where_they_led() -> None:
    def document(name: str) -> Document:
        links = "[книга][b], [b], [b][] и [![образ][b]][b], `x[b]`[^1]."
        return markdown(f"# {name}\n\n{links}\n\n[b]: http://{name}.example\n[^1]: {name}\n")

    _, finished = finish(Course("c", "Курс"), document("раз"), document("два"), document("раз "))
    assert "[книга][b], [b], [b][] и [![образ][b]][b], " in finished.text
    assert "[книга][b-2], [b][b-2], [b][b-2] и [![образ][b-2]][b-2], " in finished.text
    assert finished.text.count("`x[b]`") == 3
    assert "[b]: http://раз.example\n[^1]: раз" in finished.text
    assert "[b-2]: http://два.example\n[^1-2]: два" in finished.text

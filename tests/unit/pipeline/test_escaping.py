"""Text of documents that are not Markdown, of titles and of goals never becomes HTML in a draft."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipeline.contract import Course, Document, Heading, Lesson, Outline, Section, Span, StageInput
from pipeline.drafting.escaping import escape_item, escape_plain_text, escape_title
from pipeline.finalization import handle as finalize
from pipeline.formats.html import read_html
from pipeline.text_generation import handle as draft_lessons
from tests.unit.pipeline.builders import ignore, plain

RENDERERS = {
    "commonmark": MarkdownIt("commonmark", {"html": True}),
    "with tables": MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]),
}
#: Tags that Markdown itself makes of text without HTML.
OWN = re.compile(
    r"</?(?:h[1-6]|p|ul|ol|li|strong|em|s|code|pre|blockquote|hr|br|table|thead|tbody|tr|th|td|a)(?: /)?>"
    r"|<(?:ol start|code class|t[hd] style)=\"[^\"<>]*\">"
    r"|<(?:a|img)(?: (?:href|src|alt|title)=\"[^\"<>]*\")+(?: /)?>"
)
MARK = "<img src=x onerror=alert(1)>"


def assert_no_html(markdown: str) -> None:
    for renderer in RENDERERS.values():
        left = OWN.sub("", renderer.render(markdown))
        assert "<" not in left, (markdown, left)


def shown(markdown: str) -> str:
    """What a reader sees of it, without a line's ends."""
    tokens = RENDERERS["commonmark"].parse(markdown)
    parts = [token.children or [token] for token in tokens if token.type in ("inline", "fence", "code_block")]
    return "\n".join("".join(child.content for child in part).strip() for part in parts)


CASES = {
    "a tag": MARK,
    "a comment": "<!-- a -->",
    "a declaration": "<!DOCTYPE html>",
    "an instruction": "<?php a ?>",
    "a closing tag": "</script>",
    "a backslash before it": f"a \\{MARK}",
    "two backslashes": f"a \\\\{MARK}",
    "a backslash before a span": f"\\`{MARK}`",
    "indented below a paragraph": f"абзац\n    {MARK}",
    "indented below an item": f"- пункт\n    {MARK}",
    "indented below an item and a blank line": f"- пункт\n\n    {MARK}",
    "indented twice below an item": f"- пункт\n\n      {MARK}",
    "below a numbered item": f"1. пункт\n\n    {MARK}\n    ещё",
    "a tab below an item": f"* пункт\n\n\t{MARK}",
    "below a footnote": f"[^1]: сноска\n\n    {MARK}",
    "runs of unequal length": f"``{MARK}`",
    "runs of unequal length, reversed": f"`{MARK}``",
    "a span over a line break": f"`начало\n{MARK}`",
    "a span over a paragraph": f"`начало\n\n{MARK}`",
    "a span that the line before steals": f"тик ` раз\n`{MARK}` два",
    "a carriage return in a span": f"`a\r\r{MARK}`",
    "a carriage return": f"a\r{MARK}",
    "a cell": f"| a | b |\n|---|---|\n| `x | {MARK}` | y |",
    "a cell's stolen span": f"| a | b |\n|---|---|\n| `x | y` `{MARK}` |",
    "a fence in an item": f"- пункт\n  ```\n{MARK}\n  ```",
    "a fence that begins an item": f"- ```\n{MARK}\n```\n{MARK}",
    "a tilde fence that begins an item": f"- ~~~\n\n```\n{MARK}\n~~~\n{MARK}",
    "a fence in a quotation": f"> ```\n{MARK}\n> ```\n{MARK}",
    "a fence that is never closed": f"```\n{MARK}",
    "a fence closed by something else": f"```\n```\u00a0\n```\n{MARK}\n```",
    "a fence closed deep": f"```\n      ```\n{MARK}",
    "a fence with backticks in its info": f"``` a`b\n{MARK}",
    "a fence that is a table's head": f"~~~| a |\n|---|\n{MARK}\n~~~",
    "a link that takes a backtick": f"[a](`){MARK}`",
    "an image that takes a backtick": f"![a](x '`'){MARK}`",
    "a heading": f"# {MARK}",
    "an underline": f"{MARK}\n===",
    "a definition": f"[a]: <{MARK}>\n\n[a]",
    "an autolink": "<https://example.org/a>",
    "a link": f"[a]({MARK})",
    "an entity": "&lt;img src=x&gt; &#60;b&#62;",
    "a code line at the start": f"    {MARK}",
    "code that has a fence": f"код:\n\n    ```\n    {MARK}\n    ```",
    "code, a blank line and code": f"код:\n\n    {MARK}\n\n    {MARK}\nабзац {MARK}",
    "a form feed": f"\x0c    {MARK}\n\x0b{MARK}",
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
@pytest.mark.parametrize(
    "before", ["", "- пункт до\n\n", "текст ` до\n\n"], ids=["alone", "after an item", "after a tick"]
)
def test_no_text_becomes_html(text: str, before: str) -> None:
    # What stands before in a draft is the end of another passage, escaped by itself.
    assert_no_html(f"{escape_plain_text(before)}\n\n{escape_plain_text(text)}")
    assert_no_html(f"# {escape_title(text)}\n\n## 1.1. {escape_title(text)}\n")
    assert_no_html(f"- {escape_item(text)}\n- {escape_item(before + text)}\n1. {escape_item(text)}\n")


PIECES = st.lists(
    st.sampled_from(
        [
            *("<b>", "<img x", "</p>", "<!--", "-->", "`", "``", "```", "~~~", "\\", "|", "\n", "\n\n", "    ", "\t"),
            *(
                "- ",
                "1. ",
                "> ",
                "# ",
                "a",
                " ",
                "&lt;",
                "[a](",
                ")",
                "[a]: ",
                "*",
                "---",
                "===",
                "\r",
                "\u00a0",
                "\x0b",
            ),
            "| a |\n|---|\n",
        ]
    ),
    max_size=14,
).map("".join)


@given(PIECES, PIECES)
@example("`a\n", "`<b>`")
def test_no_combination_becomes_html(one: str, other: str) -> None:
    assert_no_html(f"{escape_plain_text(one)}\n\n{escape_plain_text(other)}")
    assert_no_html(
        f"## {escape_title(one)}\n\n- {escape_item(other)}\n  - 1. {escape_title(one)}\n\n{escape_plain_text(other)}"
    )


HONEST = [
    "Класс List<String> и Map<K, V>",
    "Путь C:\\<имя>\\файлы",
    "a < b, a <= b, <3",
    "Знак & и &copy; и R&D;",
    "`код <b>` и об`ект",
    "\\*не курсив\\* и \\\\server\\share",
    "Команда `ls | grep x`",
    "Язык C #",
    "## не заголовок",
    "1. пункт",
    "> цитата",
    "~~~ волна",
    "* звезда",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_is_shown_as_it_is_written(text: str) -> None:
    expected = text.replace("`код <b>`", "код <b>").replace("`ls | grep x`", "ls | grep x")
    assert shown(f"## 1. {escape_title(text)}") == f"1. {expected}"
    assert shown(f"- {escape_item(text)}") == expected


@pytest.mark.parametrize(
    "formula", [r"$\left\{x_{1} \\ y\right.$", r"$$\frac{a}{b}\%$$", r"$\begin{matrix}1 & 2\end{matrix}$"]
)
def test_formula_is_written_as_it_is(formula: str) -> None:
    assert escape_plain_text(f"a {formula} \\*b {formula}") == f"a {formula} \\\\\\*b {formula}"
    assert_no_html(escape_plain_text(f"$\\a {MARK}$ {formula}{MARK} `$` \\{MARK}$"))


def test_code_is_shown_as_it_is_written() -> None:
    text = "Пример:\n\n    #include <stdio.h>\n\n    int a = `b`;\n\n```\n<i>\n```\nконец"
    assert shown(escape_plain_text(text)) == "Пример:\n#include <stdio.h>\n\nint a = `b`;\n<i>\nконец"


def document(name: str, mime_type: str) -> Document:
    text = f"Заголовок {MARK}\n\nТекст {MARK} и `код {MARK}`\n    {MARK}\n"
    return Document("1", name, mime_type, text, (Heading(1, f"Заголовок {MARK}", 0),))


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [("a.txt", "text/plain"), ("a.html", "text/html"), ("a.pdf", "application/pdf"), ("a.docx", ""), ("a.pptx", "")],
)
def test_no_part_of_a_course_becomes_html(name: str, mime_type: str) -> None:
    source = document(name, mime_type)
    hostile = f"`{MARK} \\{MARK}\n    {MARK}"
    lessons = (
        Lesson(f"Урок {hostile}", goals=(f"Цель {hostile}", hostile), sources=(Span(0, 0, len(source.text)),)),
        Lesson(f"План {hostile}", goals=(hostile,)),
    )
    outline = Outline((Section(f"Раздел {hostile}", lessons),))
    course = Course("c", hostile, description=f"{hostile}\n\n{hostile}", learning_outcomes=(hostile, f"{MARK} ещё"))
    drafts = draft_lessons(StageInput(course, "/", (source,), outline=outline), ignore)
    for made in drafts:
        assert_no_html(made.text)
    assert_no_html(finalize(StageInput(course, "/", (source,), outline=outline, drafts=drafts), ignore).text)


def test_a_course_without_documents_has_no_html_either() -> None:
    course = Course("c", MARK, description=f"О курсе {MARK}\n\n    {MARK}", learning_outcomes=(MARK, f"Знать {MARK}"))
    outline = Outline((Section("Раздел", (Lesson("Введение"), Lesson(MARK), Lesson("Заключение"))),))
    drafts = draft_lessons(StageInput(course, "/", outline=outline), ignore)
    for made in drafts:
        assert_no_html(made.text)


def test_headings_of_any_document_are_text() -> None:
    content = read_html("<h1>Класс List&lt;String&gt; и <code>&lt;b&gt;</code></h1><p>текст</p>".encode())
    source = Document("1", "a.html", "text/html", content.text, content.headings)
    outline = Outline((Section("Р", (Lesson("Урок", sources=(Span(0, 0, len(source.text)),)),)),))
    [made] = draft_lessons(StageInput(Course("c", "К"), "/", (source,), outline=outline), ignore)
    assert "Класс List<String> и <b>" in shown(made.text)
    assert_no_html(made.text)


def test_escaping_is_linear() -> None:
    """Each of these took minutes if time grew with the square of the length."""
    for text in (
        "\\" * 200_000,
        "`" * 200_000,
        "".join("`" * n + " " for n in range(600)),
        "` " * 100_000,
        "&" * 200_000,
    ):
        assert plain(escape_title(text)).text

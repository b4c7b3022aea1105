"""Headings of Markdown are found where a reader sees them."""

import pytest
from hypothesis import example, given

from pipeline.formats.markdown import find_headings, read_markdown
from tests.unit.pipeline.builders import TEXTS


def titles(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in read_markdown(text.encode()).headings]


def test_both_kinds_of_headings_are_found() -> None:
    assert titles("# One #\n\ntext\n\nTwo\nlines\n===\n\nThree\n---\n\n   ###### Six") == [
        (1, "One"),
        (1, "Two lines"),
        (2, "Three"),
        (6, "Six"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "```\n# code\n```",
        "~~~\n# code",
        "    # code",
        "> # quote",
        "- # item",
        "text #",
        "#hashtag",
        "####### seven",
        "# ",
    ],
)
def test_what_only_looks_like_a_heading_is_none(text: str) -> None:
    assert titles(text) == []


def test_markup_is_stripped_from_titles_and_kept_in_the_text() -> None:
    content = read_markdown("## Команда **select** и [`psql`](https://example.org) &amp; *я*".encode())
    assert content.headings[0].text == "Команда select и psql & я"
    assert content.text.startswith("## Команда **select**")


def test_front_matter_is_not_part_of_the_body() -> None:
    content = read_markdown(b"---\ntitle: Roles\ntags:\n  - sql\n---\n# Roles\n\nText  \nmore\n")
    assert content.text == "# Roles\n\nText  \nmore"
    assert content.headings[0].start == 0


@pytest.mark.parametrize("text", ["---\n\nText\n\n---", "---\nNote: text\nmore text\n---", "---\nkey: value\nno end"])
def test_rule_on_top_is_no_front_matter(text: str) -> None:
    assert read_markdown(text.encode()).text == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("---\ntitle: Установка\nslug: x\n---\nТекст\n\n## Б", "# Установка\n\nТекст\n\n## Б"),
        ('---\ntitle: "С: нуля" \n---\nТекст', "# С: нуля\n\nТекст"),
        ("+++\ntitle = 'Hugo'\n[menu]\n+++\nТекст", "# Hugo\n\nТекст"),
        ("---\ntitle: A\n---\n# B\nТекст", "# B\nТекст"),
        ("---\ntitle: |\n  A\n---\nТекст", "Текст"),
    ],
)
def test_title_of_the_front_matter_is_a_heading(text: str, shown: str) -> None:
    assert read_markdown(text.encode()).text == shown


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("<h1 align='center'>Проект</h1>\n\nТекст\n\n## Раздел\n", ["Проект", "Раздел"]),
        (
            "<div>\n<h1>\n<img src=a>\nПроект &amp; <b>Ко</b>\n</h1>\n</div>\n\nТекст\n\n## Раздел\n",
            ["Проект & Ко", "Раздел"],
        ),
        ("```\n<h1>код</h1>\n```\n\n<h1><img src=a></h1>", []),
        (
            "## Имена [#variable-naming]\n\nТекст\n\n## Установка {#install} ##\n\nСвязь {.big}\n---",
            ["Имена", "Установка", "Связь"],
        ),
        ("## Множество {1, 2} и [x]\n", ["Множество {1, 2} и [x]"]),
        ("## Со\u00advet\n", ["Соvet"]),
    ],
)
def test_headings_are_what_a_reader_sees(text: str, headings: list[str]) -> None:
    content = read_markdown(text.encode())
    assert [heading.text for heading in content.headings] == headings
    assert find_headings(content.text) == content


@given(TEXTS)
@example("\x0c\nSet\n===")
def test_each_heading_starts_at_its_line(text: str) -> None:
    content = find_headings(text)
    assert content.text == text
    for heading in content.headings:
        assert heading.start == 0 or text[heading.start - 1] == "\n"
        line = text[heading.start :].partition("\n")[0].strip()
        assert line.startswith("#" * heading.level) or heading.level <= 2
        assert line
    starts = [heading.start for heading in content.headings]
    assert starts == sorted(set(starts))

"""Lessons are even, and as many as estimated, where the text can be divided so."""

from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contract import Course, Document, Outline
from tests.unit.pipeline.builders import lessons_of, markdown, outline_of, plain

SENTENCE = "Это обычное предложение учебного текста, которое объясняет тему. "


def sizes(outline: Outline) -> list[int]:
    return [sum(span.end - span.start for span in lesson.sources) for lesson in lessons_of(outline)]


def deck(name: str, slides: int, length: int) -> Document:
    return markdown(
        f"# {name}\n\n" + "".join(f"## Слайд {name} {at}\n\n{SENTENCE * length}\n\n" for at in range(slides))
    )


BOOK = "Глава 1\n\n" + "Эпиграф.\n\n" * 6 + "\n".join(f"     {SENTENCE}" for _ in range(400))
WRAPPED = "\n".join(["Строка текста, перенесённая посреди", "предложения, как её печатали раньше."] * 400)
GIANT = SENTENCE * 500
LECTURES = [
    deck("А", 60, 3),
    markdown(f"# Б\n\n{SENTENCE * 140}"),
    deck("В", 4, 40),
    markdown(f"# Г\n\n{SENTENCE * 150}"),
]
NOTES = [markdown(f"# Заметка {n}\n\n{SENTENCE * 9}", f"{n}.md") for n in range(49)] + [
    markdown(f"# Глава\n\n{SENTENCE * 300}")
]


@pytest.mark.parametrize(
    ("documents", "estimate"),
    [
        ([plain(BOOK)], None),
        ([plain(BOOK)], 12),
        ([plain(WRAPPED)], 10),
        ([plain(GIANT)], 7),
        (LECTURES, None),
        (LECTURES, 24),
        (NOTES, None),
        (NOTES, 20),
        ([deck("Д", 100, 4)], 100),
        ([deck("Е", 30, 2)], 1),
    ],
)
def test_no_lesson_is_twice_as_long_as_most(documents: list[Document], estimate: int | None) -> None:
    made = sizes(outline_of(Course("c", "Курс", estimated_lessons=estimate), *documents))
    assert max(made) <= 2 * median(made)
    assert estimate is None or abs(len(made) - estimate) <= 1


def test_sections_reach_their_estimate() -> None:
    course = Course("c", "Курс", estimated_lessons=24, estimated_sections=8)
    assert len(outline_of(course, *LECTURES).sections) in {7, 8}


def test_an_estimate_that_the_text_can_not_reach_is_explained() -> None:
    outline = outline_of(Course("c", "Курс", estimated_lessons=10, estimated_sections=4), markdown("# А\n\nКоротко."))
    assert len(lessons_of(outline)) == 1
    assert outline.notes == (
        "Разделов получилось 1, а не 4: в документах слишком мало текста или заголовков.",
        "Уроков получилось 1, а не 10: в документах слишком мало текста или заголовков.",
    )
    assert outline_of(Course("c", "Курс", estimated_lessons=2), markdown("# А\n\nКоротко.")).notes == ()


def test_sixteen_lectures_are_sixteen_sections() -> None:
    lectures = [deck(f"Лекция о предмете {n}", 6, 12) for n in range(16)]
    assert len(outline_of(Course("c", "Курс"), *lectures).sections) == 16


def test_fifty_notes_are_fifty_lessons() -> None:
    notes = [markdown(f"# Заметка о предмете {n}\n\n{SENTENCE * 40}") for n in range(50)]
    titles = [lesson.title for lesson in lessons_of(outline_of(Course("c", "Курс"), *notes))]
    assert titles == [f"Заметка о предмете {n}" for n in range(50)]


@pytest.mark.parametrize(
    "block",
    [
        "```\n" + "код();\n\n" * 300 + "```",
        "$$\n" + "x = 1\n" * 300 + "$$",
        "| A | B |\n|---|---|\n" + "| 1 | 2 |\n" * 3,
    ],
)
def test_blocks_stay_whole(block: str) -> None:
    document = markdown(f"# А\n\n{SENTENCE * 20}\n\n{block}\n\n{SENTENCE * 20}")
    outline = outline_of(Course("c", "Курс", estimated_lessons=9), document)
    assert len(lessons_of(outline)) > 1
    pieces = [document.text[span.start : span.end] for lesson in lessons_of(outline) for span in lesson.sources]
    assert sum(block.split("\n", maxsplit=1)[0] in piece for piece in pieces) == 1
    assert any(block[:20] in piece for piece in pieces)
    assert all(piece.count("$$") % 2 == piece.count("```") % 2 == 0 for piece in pieces)


def test_a_document_with_the_text_of_another_is_taught_once() -> None:
    text = f"# Запросы\n\n{SENTENCE * 20}"
    outline = outline_of(Course("c", "Курс"), markdown(text, "a.md"), markdown(f"{text}\n", "b.md"))
    assert [span.document for lesson in lessons_of(outline) for span in lesson.sources] == [0]


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 60)), min_size=1, max_size=12),
    st.one_of(st.none(), st.integers(1, 40)),
)
def test_estimates_are_met_and_lessons_even_whatever_the_documents(
    shapes: list[tuple[int, int]], estimate: int | None
) -> None:
    documents = [deck(f"Тема {n}", *shape) for n, shape in enumerate(shapes)]
    outline = outline_of(Course("c", "Курс", estimated_lessons=estimate), *documents)
    made = sizes(outline)
    assert estimate is None or abs(len(made) - estimate) <= 1 or outline.notes
    assert max(made) <= max(2.5 * median(made), 2400)

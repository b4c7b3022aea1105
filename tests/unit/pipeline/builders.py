"""Courses, documents and runs of the pipeline for tests."""

from dataclasses import replace

from hypothesis import strategies as st

from pipeline import finalization, structure_analysis, structure_generation, text_generation
from pipeline.contract import Course, Document, FinishedCourse, Lesson, Outline, StageInput
from pipeline.formats.html import read_page
from pipeline.formats.markdown import find_headings
from pipeline.formats.pdf.layout import lay_out
from pipeline.formats.pdf.lines import Bookmark, Cell, Font, Line
from pipeline.formats.plain_text import guess_headings


def ignore(done: int, total: int) -> None:
    """A report nobody listens to."""


def markdown(text: str, name: str = "lecture.md") -> Document:
    content = find_headings(text)
    return Document(name, name, "text/markdown", content.text, content.headings)


def plain(text: str, name: str = "notes.txt") -> Document:
    content = guess_headings(text)
    return Document(name, name, "text/plain", content.text, content.headings)


def page(text: str, name: str = "lecture.docx") -> Document:
    content = read_page(text)
    return Document(name, name, "", content.text, content.headings)


def printed(pages: list[list[Line]], bookmarks: list[Bookmark], name: str = "lecture.pdf") -> Document:
    content = lay_out(pages, bookmarks)
    return Document(name, name, "application/pdf", content.text, content.headings)


def outline_of(course: Course, *documents: Document) -> Outline:
    return structure_generation.handle(StageInput(course, "/", documents), ignore)


def lessons_of(outline: Outline) -> list[Lesson]:
    return [lesson for section in outline.sections for lesson in section.lessons]


def finish(course: Course, *documents: Document) -> tuple[StageInput, FinishedCourse]:
    """Every stage after the documents; returns the input of the last one and the finished course."""
    given = StageInput(course, "/", documents)
    if not documents:
        given = replace(given, brief=structure_analysis.handle(given, ignore))
    given = replace(given, outline=structure_generation.handle(given, ignore))
    given = replace(given, drafts=text_generation.handle(given, ignore))
    return given, finalization.handle(given, ignore)


LINES = st.one_of(
    st.sampled_from(
        [
            "",
            "",
            "",
            "# Title",
            "## Part",
            "### Point",
            "###### Six",
            "#",
            "Set",
            "===",
            "---",
            "```",
            "~~~",
            "> # quote",
            *[
                "- item",
                "    code",
                "Глава 3. Права",
                "1.2 Введение",
                "ОБЩИЕ ПОЛОЖЕНИЯ",
                "\x0c",
                "\u2028",
                "\u00a0",
                "\t",
            ],
        ]
    ),
    st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=40),
    st.builds("{} {}".format, st.sampled_from(["#", "##", "###", "##"]), st.text("абв *_`[]", max_size=12)),
    st.builds(lambda word, times: " ".join([word] * times), st.sampled_from(["слово.", "word"]), st.integers(1, 400)),
)
TEXTS = st.lists(LINES, max_size=40).map("\n".join)
TAGS = st.sampled_from(["h1", "h2", "h6", "p", "p", "li", "td", "pre"])
PAGES = st.lists(st.builds("<{0}>{1}</{0}>".format, TAGS, LINES), max_size=20).map("".join)
FONTS = [Font("Regular"), Font("Regular-Bold", 700, is_bold=True), Font("Mono", is_mono=True)]
PRINTED_LINES = st.builds(
    Line,
    page=st.just(0),
    text=st.one_of(
        st.sampled_from(
            ["Запрос к таблице", "• пункт", "12", "•", "Глава 1", "пере-", "и дальше.", "a b c", "# x", "1)", "В", "|"]
        ),
        st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20),
    ),
    size=st.sampled_from([10.0, 10.2, 12.0, 18.0, 40.0]),
    font=st.sampled_from(FONTS),
    left=st.sampled_from([60.0, 80.0, 300.0]),
    right=st.sampled_from([200.0, 290.0, 500.0]),
    bottom=st.integers(20, 800).map(float),
    top=st.just(820.0),
    is_hyphenated=st.booleans(),
    is_code=st.booleans(),
    tag=st.sampled_from([0, 0, 0, 2]),
)
NUMBERS = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1e-300, 50_000.0, -50_000.0]))
#: What no page that is meant to be read has: blank and private characters, sizes and places of any kind.
ODD_LINES = st.builds(
    Line,
    page=st.integers(0, 2),
    text=st.one_of(st.sampled_from(["", " ", "\uf8f1", "\u200b", "\ud800", "…", ". . . . . 3"]), st.text(max_size=6)),
    size=NUMBERS,
    font=st.sampled_from(FONTS),
    left=NUMBERS,
    right=NUMBERS,
    bottom=NUMBERS,
    top=NUMBERS,
    is_hyphenated=st.booleans(),
    is_code=st.booleans(),
    is_turned=st.booleans(),
    tag=st.integers(-1, 6),
    cells=st.lists(st.builds(Cell, st.text(max_size=3), NUMBERS, NUMBERS), max_size=3).map(tuple),
)
BOOKMARKS = st.lists(
    st.builds(
        Bookmark, st.integers(0, 3), st.integers(1, 9), st.sampled_from(["Глава 1", "", "12", "Запрос к таблице"])
    )
)
DOCUMENTS = st.lists(
    st.one_of(
        TEXTS.map(markdown),
        TEXTS.map(plain),
        PAGES.map(page),
        st.builds(printed, st.lists(st.lists(PRINTED_LINES, max_size=12), max_size=3), BOOKMARKS),
        st.just(Document("x", "x.pdf", "application/pdf", error="не читается")),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
ESTIMATES = st.one_of(st.none(), st.integers(-1, 30))
COURSES = st.builds(
    Course,
    id=st.just("c"),
    title=st.sampled_from(["Курс", "A course", "# Курс", "Длинное название " * 20]),
    language=st.sampled_from([None, "ru", "en"]),
    learning_outcomes=st.lists(st.sampled_from(["Понимать права", "Read a plan.", "слово", ""]), max_size=4).map(tuple),
    lesson_duration_minutes=st.one_of(st.none(), st.integers(0, 60)),
    estimated_lessons=ESTIMATES,
    estimated_sections=ESTIMATES,
)

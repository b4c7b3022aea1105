"""What was written into a file, whatever it is, stands in one lesson of the course."""

import re

import pytest
from hypothesis import given, settings

from pipeline.contract import Course, Document
from pipeline.formats import find_format
from pipeline.parser import load_reader
from tests.corpus.generated import WRITERS, Piece, contents
from tests.unit.pipeline.builders import finish, lessons_of

EXAMPLES = 15


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=EXAMPLES)
@given(contents())
def test_every_piece_is_in_one_lesson(name: str, pieces: list[Piece]) -> None:
    document = read(name, WRITERS[name](pieces))
    given_input, finished = finish(Course("c", "Курс", "ru"), document)
    assert given_input.outline is not None
    taught = [
        document.text[span.start : span.end] for lesson in lessons_of(given_input.outline) for span in lesson.sources
    ]
    for mark in find_marks(pieces):
        assert sum(mark in text for text in taught) == 1, mark
        assert mark in finished.text
    left = document.text
    for text in taught:
        left = left.replace(text, "", 1)
    assert not left.strip()


def read(name: str, data: bytes) -> Document:
    content = load_reader(find_format(name).reader)(data)
    return Document(name, name, "", content.text, content.headings)


def find_marks(pieces: list[Piece]) -> list[str]:
    return [mark for piece in pieces for mark in re.findall(r"знак[а-к]{3}щ", piece.text)]

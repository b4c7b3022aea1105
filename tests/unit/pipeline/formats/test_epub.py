"""A book is read page by page in the order of its spine."""

import pytest

from pipeline.formats.content import Unreadable
from pipeline.formats.epub import read_epub
from tests.unit.pipeline.formats.book_files import book

PAGES = {
    "nav.xhtml": "<h1>Содержание</h1><p>Глава 1</p>",
    "pages/b.xhtml": "<h1>Глава 1</h1><p>первая</p>",
    "pages/c%20d.xhtml": "<p>вторая</p>",
}


def test_pages_come_in_the_order_of_the_spine_with_their_names() -> None:
    content = read_epub(book(PAGES))
    assert content.text == "# Глава 1\n\nпервая\n\n# Послесловие\n\nвторая"
    assert [content.text[found.start :].split("\n")[0] for found in content.headings] == ["# Глава 1", "# Послесловие"]
    assert content.title == "Книга"
    turned = read_epub(book(PAGES, spine='<itemref idref="i2"/><itemref idref="gone"/><itemref idref="i1"/>'))
    assert turned.text.index("вторая") < turned.text.index("первая")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"META-INF/encryption.xml": '<a><CipherReference URI="OPS/pages/b.xhtml"/></a>'}, "копирования"),
        ({"META-INF/container.xml": "<a/>"}, "описания книги"),
        ({"OPS/book.opf": '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'}, "сущностей"),
        ({"OPS/book.opf": "<a"}, "повреждён"),
    ],
)
def test_protected_broken_and_hostile_books_are_refused(parts: dict[str, str], reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_epub(book(PAGES, parts))


def test_broken_contents_and_missing_pages_do_not_matter() -> None:
    assert "вторая" in read_epub(book(PAGES, {"OPS/toc.ncx": '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'})).text
    assert "вторая" in read_epub(book(PAGES, {"OPS/toc.ncx": "<ncx"})).text


def test_links_that_leave_the_book_lead_nowhere() -> None:
    assert read_epub(book(PAGES | {"../../../etc/passwd": "<p>нет</p>"})).text.count("нет") == 0


def test_fonts_may_be_protected() -> None:
    protected = '<a><CipherReference URI="OPS/fonts/a.otf"/></a>'
    assert "первая" in read_epub(book(PAGES, {"META-INF/encryption.xml": protected})).text

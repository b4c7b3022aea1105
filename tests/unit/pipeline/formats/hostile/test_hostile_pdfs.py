"""PDF files that are broken, loop, or have no text."""

from pathlib import Path

import pytest

from pipeline.formats.pdf.reader import MAX_PAGES
from tests.unit.pipeline.formats.hostile.reading import DAMAGED, TEXT, read, refusal
from tests.unit.pipeline.formats.made_files import Pdf, raw_pdf, stream

PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]%s>>"
CATALOG = b"<</Type/Catalog/Pages 2 0 R%s>>"


def test_corrupt_pdf(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a.pdf", b"%PDF-1.7\n" + b"garbage " * 500 + b"\n%%EOF").startswith(DAMAGED)


def test_pdf_that_anybody_may_open_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "a.pdf", Pdf("").line(TEXT).finish()).text == TEXT


@pytest.mark.parametrize(
    "objects",
    [
        {1: CATALOG % b"", 2: b"<</Type/Pages/Count 5/Kids[2 0 R]>>"},
        {1: CATALOG % b"", 2: b"<</Type/Pages/Count 9/Kids[3 0 R]>>", 3: b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>"},
        {1: CATALOG % b"", 2: b"<</Type/Pages/Count 2000000000/Kids[3 0 R]>>", 3: PAGE % b""},
        {1: CATALOG % b"", 2: b"2 0 R"},
        {1: b"1 0 R"},
        {1: CATALOG % b"", 2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>", 3: PAGE % b"/Contents 4 0 R", 4: b"4 0 R"},
        {
            1: CATALOG % b"",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: PAGE % b"/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>",
            4: stream(b"/F Do"),
            5: stream(
                b"/F Do /F Do /F Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>"
            ),
        },
        {
            1: CATALOG % b"/Outlines 4 0 R",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: PAGE % b"",
            4: b"<</First 5 0 R/Last 5 0 R>>",
            5: b"<</Title(a)/Next 5 0 R/First 5 0 R/Parent 4 0 R/Dest[3 0 R/Fit]>>",
        },
    ],
    ids=["tree of itself", "tree of two", "count", "pages", "root", "content", "forms", "outline"],
)
def test_pdf_that_loops(tmp_path: Path, objects: dict[int, bytes]) -> None:
    assert refusal(tmp_path, "a.pdf", raw_pdf(objects))


def test_outline_that_loops_is_no_obstacle(tmp_path: Path) -> None:
    objects = {
        1: CATALOG % b"/Outlines 4 0 R",
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: PAGE % b"/Contents 6 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>",
        4: b"<</First 5 0 R/Last 5 0 R>>",
        5: b"<</Title(a)/Next 5 0 R/First 5 0 R/Parent 4 0 R/Dest[3 0 R/Fit]>>",
        6: stream(b"BT /F 10 Tf 10 50 Td (Text) Tj ET"),
    }
    assert read(tmp_path, "a.pdf", raw_pdf(objects)).text == "Text"


def test_endless_chain_of_cross_references(tmp_path: Path) -> None:
    data = raw_pdf({1: CATALOG % b"", 2: b"<</Type/Pages/Count 1/Kids[2 0 R]>>"})
    start = data.index(b"xref")
    looped = raw_pdf({1: CATALOG % b"", 2: b"<</Type/Pages/Count 1/Kids[2 0 R]>>"}, trailer=b"/Prev %d" % start)
    assert refusal(tmp_path, "a.pdf", looped)


def test_scan_without_text(tmp_path: Path) -> None:
    pdf = Pdf()
    for _ in range(3):
        pdf.canvas.rect(50, 50, 200, 200, fill=1)
        pdf.page()
    assert refusal(tmp_path, "a.pdf", pdf.finish()).startswith("это скан без текста")


def test_scanned_pages_among_others_are_left_out(tmp_path: Path) -> None:
    pdf = Pdf().page()
    pdf.canvas.rect(50, 50, 200, 200, fill=1)
    assert read(tmp_path, "a.pdf", pdf.page().line(TEXT).finish()).text == TEXT


def test_thousands_of_pages(tmp_path: Path) -> None:
    count = MAX_PAGES + 1
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 3 + count))
    objects = {1: CATALOG % b"", 2: b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids)}
    objects |= dict.fromkeys(range(3, 3 + count), PAGE % b"")
    assert refusal(tmp_path, "a.pdf", raw_pdf(objects)) == f"в файле больше {MAX_PAGES} страниц: разделите его"

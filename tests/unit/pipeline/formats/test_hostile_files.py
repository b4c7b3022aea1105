"""A file that can't be read says why, in time, whatever it was made to do."""

import struct
import time
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

import msoffcrypto.format.ooxml
import pytest

from pipeline import course_files
from pipeline.contract import Course, Document, File, StageFailed, StageInput
from pipeline.document_processing import handle, process_file
from pipeline.formats.package import MAX_ENTRIES
from pipeline.formats.pdf.reader import MAX_PAGES
from pipeline.parsing import Patience
from tests.unit.pipeline.builders import ignore
from tests.unit.pipeline.formats.made_files import (
    Pdf,
    document_xml,
    docx_of,
    package_of,
    pdf_of,
    pptx_of,
    raw_pdf,
    replace_part,
    stream,
)

TEXT = "Обычный текст документа."
DOCX = docx_of(lambda document: document.add_paragraph(TEXT))
PPTX = pptx_of(lambda slides: slides.slides.add_slide(slides.slide_layouts[0]))
PDF = pdf_of(TEXT)
DAMAGED = "файл повреждён"
WITHIN_S = 30


def read(root: Path, name: str, data: bytes, limit_s: int = 20) -> Document:
    """The document of a file with these bytes; fails the test when it takes much longer than its limit."""
    (root / name).write_bytes(data)
    started = time.monotonic()
    document = process_file(root, File("1", name, name, ""), Patience(limit_s))
    assert time.monotonic() - started < WITHIN_S
    assert document.error is None or not (document.text or document.headings)
    return document


def refusal(root: Path, name: str, data: bytes, limit_s: int = 20) -> str:
    error = read(root, name, data, limit_s).error
    assert error is not None
    return error


def encrypt(data: bytes) -> bytes:
    encrypted = BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(BytesIO(data)).encrypt("secret", encrypted)
    return encrypted.getvalue()


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.pptx", "a.html", "a.md", "a.txt"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, name, b"") == "файл пуст"


@pytest.mark.parametrize(("name", "data"), [("a.pdf", PDF), ("a.docx", DOCX), ("a.pptx", PPTX)])
def test_file_cut_short(tmp_path: Path, name: str, data: bytes) -> None:
    for share in (0.05, 0.5, 0.97):
        assert any(word in refusal(tmp_path, name, data[: int(len(data) * share)]) for word in ("обрезан", "повреждён"))


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.pptx"])
def test_text_by_another_name(tmp_path: Path, name: str) -> None:
    assert "неверно назван" in refusal(tmp_path, name, TEXT.encode())


def test_corrupt_pdf(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a.pdf", b"%PDF-1.7\n" + b"garbage " * 500 + b"\n%%EOF").startswith(DAMAGED)


def test_corrupt_part_of_a_package(tmp_path: Path) -> None:
    broken = replace_part(DOCX, "word/document.xml", lambda content: content[: len(content) // 2])
    assert refusal(tmp_path, "a.docx", broken).startswith(DAMAGED)
    at = DOCX.index(b"word/document.xml") + 60
    flipped = DOCX[:at] + bytes(byte ^ 0xFF for byte in DOCX[at : at + 40]) + DOCX[at + 40 :]
    assert refusal(tmp_path, "a.docx", flipped).startswith(DAMAGED)


@pytest.mark.parametrize("name", ["a.docx", "a.pptx"])
def test_package_without_its_main_parts(tmp_path: Path, name: str) -> None:
    hollow = package_of({"word/document.xml": b"<a/>", "[Content_Types].xml": b"<a/>"})
    assert refusal(tmp_path, name, hollow).startswith(DAMAGED)
    hollow = package_of({"ppt/presentation.xml": b"<a/>", "[Content_Types].xml": b"<a/>"})
    assert refusal(tmp_path, name, hollow).startswith(DAMAGED)


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.pdf", Pdf("secret").line(TEXT).finish()), ("a.docx", encrypt(DOCX)), ("a.pptx", encrypt(PPTX))],
)
def test_password(tmp_path: Path, name: str, data: bytes) -> None:
    assert refusal(tmp_path, name, data) == "файл защищён паролем"


def test_pdf_that_anybody_may_open_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "a.pdf", Pdf("").line(TEXT).finish()).text == TEXT


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "97–2003"),
        (b"{\\rtf1 text}", "RTF"),
        (package_of({"xl/workbook.xml": b"<a/>"}), "Excel"),
        (package_of({"content.xml": b"<a/>", "META-INF/manifest.xml": b"<a/>"}), "OpenDocument"),
        (package_of({"lecture.md": b"# Lecture"}), "это архив"),
    ],
)
def test_format_that_is_known_and_not_read(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in refusal(tmp_path, "a.docx", data)


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.txt", "a.md", "a.key"])
def test_pdf_by_another_name_is_read_as_what_it_is(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, PDF).text == TEXT


@pytest.mark.parametrize("name", ["a.pdf", "a.pptx", "a.html", "a"])
def test_docx_by_another_name_is_read_as_what_it_is(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, DOCX).text == TEXT


def test_page_saved_as_docx_is_read_as_a_page(tmp_path: Path) -> None:
    assert read(tmp_path, "a.docx", f"<html><p>{TEXT}</p></html>".encode()).text == TEXT


@pytest.mark.parametrize(
    ("path", "reason"), [("gone.pdf", "файл не найден"), ("../a.pdf", "выходит за пределы"), ("link.pdf", "выходит за")]
)
def test_missing_or_outside(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.pdf").symlink_to("../a.pdf")
    document = process_file(root, File("1", path, path, ""), Patience())
    assert document.error is not None and reason in document.error


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course_files, "MAX_FILE_BYTES", len(PDF) - 1)
    assert refusal(tmp_path, "a.pdf", PDF).startswith("файл больше")


def test_bomb_by_ratio(tmp_path: Path) -> None:
    bomb = replace_part(DOCX, "word/document.xml", lambda _: document_xml([" " * 30_000_000]))
    assert len(bomb) < 100_000
    assert "недопустимо большим" in refusal(tmp_path, "a.docx", bomb)


def test_bomb_by_total_size(tmp_path: Path) -> None:
    media = {f"word/media/{number}": b"\0" * 1_000_000 for number in range(300)}
    assert "недопустимо большим" in refusal(tmp_path, "a.docx", package_of({"word/document.xml": b"", **media}))


def test_bomb_by_count(tmp_path: Path) -> None:
    many = package_of({"word/document.xml": b""} | {f"x{number}": b"" for number in range(MAX_ENTRIES + 1)})
    assert "слишком много частей" in refusal(tmp_path, "a.docx", many)
    more = many + b"PK\x01\x02" * 2 * MAX_ENTRIES
    assert "слишком много частей" in refusal(tmp_path, "a.docx", more)


def test_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    size = 400_000_000
    packed = BytesIO()
    with (
        ZipFile(packed, "w", ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(size // 10_000_000):
            part.write(b" " * 10_000_000)
    lying = packed.getvalue().replace(struct.pack("<I", size), struct.pack("<I", 1000))
    assert len(lying) < 1_000_000
    assert "повреждён" in refusal(tmp_path, "a.docx", lying)


def test_unknown_compression(tmp_path: Path) -> None:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_LZMA) as archive:
        archive.writestr("word/document.xml", document_xml([TEXT]))
    assert "сжаты неизвестным способом" in refusal(tmp_path, "a.docx", packed.getvalue())


@pytest.mark.parametrize(
    "part", ["word/document.xml", "word/styles.xml", "[Content_Types].xml", "word/_rels/document.xml.rels"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_bomb(tmp_path: Path, part: str, encoding: str) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    declared = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>'
    content = document_xml(["&e11;"], declared).decode().encode(encoding)
    assert "сущностей" in refusal(tmp_path, "a.docx", replace_part(DOCX, part, lambda _: content))


@pytest.mark.parametrize("template", [DOCX, PPTX])
def test_external_entity_is_never_resolved(tmp_path: Path, template: bytes) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    declared = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret.txt">]>'
    part = "word/document.xml" if template is DOCX else "ppt/slides/slide1.xml"
    content = document_xml(["&e;"], declared)
    assert "сущностей" in refusal(tmp_path, "a.docx", replace_part(template, part, lambda _: content))


def test_deeply_nested_xml(tmp_path: Path) -> None:
    nested = "<w:sdt><w:sdtContent>" * 100_000
    content = document_xml([TEXT]).replace(b"<w:body>", b"<w:body>" + nested.encode())
    closed = content.replace(b"</w:body>", b"</w:sdtContent></w:sdt>" * 100_000 + b"</w:body>")
    assert read(tmp_path, "a.docx", replace_part(DOCX, "word/document.xml", lambda _: closed)).error


PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]%s>>"
CATALOG = b"<</Type/Catalog/Pages 2 0 R%s>>"


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


def test_page_nested_too_deeply(tmp_path: Path) -> None:
    assert "слишком глубоко" in refusal(tmp_path, "a.html", b"<div>" * 100_000 + TEXT.encode())


def test_page_with_many_unclosed_paragraphs_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "a.html", b"<p>a<li>b<td>c" * 20_000).error is None


@pytest.mark.parametrize("mark", [b"> ", b"- ", b"1. ", b"[", b"*a ", b"`"])
def test_markdown_of_one_mark(tmp_path: Path, mark: bytes) -> None:
    document = read(tmp_path, "a.md", mark * 50_000 + b"x")
    assert document.error is None or "занял больше" in document.error


@pytest.mark.parametrize("reader", ["read_and_hang", "read_and_spin"])
def test_file_that_takes_too_long_costs_only_its_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    use_reader(monkeypatch, reader)
    assert refusal(tmp_path, "a.slow", TEXT.encode(), limit_s=2) == "разбор файла занял больше 2 с"
    assert read(tmp_path, "a.txt", TEXT.encode()).text == TEXT


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        ("read_and_crash", f"{DAMAGED}, разобрать его не удалось"),
        ("read_and_raise", f"{DAMAGED}, разобрать его не удалось"),
        ("read_and_recurse", f"{DAMAGED}, разобрать его не удалось"),
        ("read_and_hoard", "для разбора файла не хватило памяти"),
        ("read_and_exceed", "в файле слишком много текста"),
    ],
)
def test_parser_that_breaks_spoils_only_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, reason: str
) -> None:
    use_reader(monkeypatch, reader)
    assert refusal(tmp_path, "a.slow", TEXT.encode()) == reason
    assert read(tmp_path, "a.txt", TEXT.encode()).text == TEXT


def test_whatever_a_library_prints_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_reader(monkeypatch, "read_and_print")
    assert read(tmp_path, "a.slow", TEXT.encode()).text == TEXT


def test_slow_files_leave_later_ones_less_time() -> None:
    patience = Patience(file_limit_s=60, slow_files_s=100)
    patience.spend(1.5)
    patience.spend(60)
    assert patience.limit_s == 60
    patience.spend(60)
    assert 0 < patience.limit_s < 60


def test_nothing_but_hostile_files_fails_the_stage(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF[:100])
    (tmp_path / "b.docx").write_bytes(encrypt(DOCX))
    files = tuple(File(name, name, name, "") for name in ("a.pdf", "b.docx"))
    with pytest.raises(StageFailed, match=r"ни один документ.*«a\.pdf» — файл обрезан.*«b\.docx» — файл защищён"):
        handle(StageInput(Course("c", "Курс", files=files), str(tmp_path)), ignore)


def use_reader(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    """Files named `.slow` are read by this function of `readers`."""
    from pipeline import formats

    slow = formats.Format("slow", frozenset({".slow"}), frozenset(), f"tests.unit.pipeline.formats.readers.{reader}")
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, slow))

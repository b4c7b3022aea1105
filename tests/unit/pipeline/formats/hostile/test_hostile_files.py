"""An unreadable or hostile file is reported with a reason, in time."""

from pathlib import Path

import pytest

from pipeline import course_files
from pipeline.contract import Course, File, StageFailed, StageInput
from pipeline.document_processing import FileReader, handle
from tests.unit.pipeline.builders import ignore
from tests.unit.pipeline.formats.book_files import book
from tests.unit.pipeline.formats.hostile.reading import DOCX, PDF, PPTX, TEXT, encrypt, read, refusal
from tests.unit.pipeline.formats.made_files import Pdf, package_of
from tests.unit.pipeline.formats.office.open_files import odt
from tests.unit.pipeline.formats.office.word_files import paragraph, word_of


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.pptx", "a.html", "a.md", "a.txt"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, name, b"") == "файл пуст"


@pytest.mark.parametrize(("name", "data"), [("a.pdf", PDF), ("a.docx", DOCX), ("a.pptx", PPTX)])
def test_file_cut_short(tmp_path: Path, name: str, data: bytes) -> None:
    for share in (0.05, 0.5, 0.97):
        assert any(word in refusal(tmp_path, name, data[: int(len(data) * share)]) for word in ("обрезан", "повреждён"))


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.pptx", "a.odt", "a.rtf", "a.epub"])
def test_text_by_another_name(tmp_path: Path, name: str) -> None:
    assert "неверно назван" in refusal(tmp_path, name, TEXT.encode())


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.pdf", Pdf("secret").line(TEXT).finish()), ("a.docx", encrypt(DOCX)), ("a.pptx", encrypt(PPTX))],
)
def test_password(tmp_path: Path, name: str, data: bytes) -> None:
    assert refusal(tmp_path, name, data) == "файл защищён паролем"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "97–2003"),
        (package_of({"xl/workbook.xml": b"<a/>"}), "Excel"),
        (package_of({"xl/book2.xml": b"<a/>", "[Content_Types].xml": b"spreadsheetml.sheet.main+xml"}), "Excel"),
        (package_of({"content.xml": b"<a/>", "META-INF/manifest.xml": b"<a/>"}), "OpenDocument"),
        (
            package_of(
                {
                    "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                    "content.xml": b"<a/>",
                    "META-INF/manifest.xml": b"<a/>",
                }
            ),
            "OpenDocument",
        ),
        (package_of({"lecture.md": b"# Lecture"}), "это архив"),
    ],
)
def test_format_that_is_known_and_not_read(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in refusal(tmp_path, "a.docx", data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(word_of(paragraph(TEXT)), id="docx"),
        pytest.param(word_of(paragraph(TEXT), main="word/document2.xml"), id="docx of another name"),
        pytest.param(odt(f"<text:p>{TEXT}</text:p>"), id="odt"),
        pytest.param(book({"a.xhtml": f"<p>{TEXT}</p>"}), id="epub"),
        pytest.param(rb"{\rtf1\ansicpg1251 " + TEXT.encode("cp1251") + b"}", id="rtf"),
    ],
)
def test_format_is_known_by_content(tmp_path: Path, data: bytes) -> None:
    assert TEXT in read(tmp_path, "a.pdf", data).text


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
    document = FileReader(root).process(File("1", path, path, ""))
    assert document.error is not None and reason in document.error


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course_files, "MAX_FILE_BYTES", len(PDF) - 1)
    assert refusal(tmp_path, "a.pdf", PDF).startswith("файл больше")


def test_page_nested_too_deeply(tmp_path: Path) -> None:
    assert "слишком глубоко" in refusal(tmp_path, "a.html", b"<div>" * 100_000 + TEXT.encode())


def test_page_with_many_unclosed_paragraphs_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "a.html", b"<p>a<li>b<td>c" * 20_000).error is None


@pytest.mark.parametrize("mark", [b"> ", b"- ", b"1. ", b"[", b"*a ", b"`"])
def test_markdown_of_one_mark(tmp_path: Path, mark: bytes) -> None:
    document = read(tmp_path, "a.md", mark * 50_000 + b"x")
    assert document.error is None or "занял больше" in document.error


def test_nothing_but_hostile_files_fails_the_stage(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF[:100])
    (tmp_path / "b.docx").write_bytes(encrypt(DOCX))
    files = tuple(File(name, name, name, "") for name in ("a.pdf", "b.docx"))
    with pytest.raises(StageFailed, match=r"ни один документ.*«a\.pdf» — файл обрезан.*«b\.docx» — файл защищён"):
        handle(StageInput(Course("c", "Курс", files=files), str(tmp_path)), ignore)

"""The course's files become documents; one bad file spoils only itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import document_processing
from pipeline.contract import Course, Document, File, StageFailed, StageInput
from pipeline.document_processing import handle
from pipeline.formats import choose_format
from pipeline.formats.content import Content
from tests.unit.pipeline.builders import ignore


def process(root: Path, *files: File) -> tuple[Document, ...]:
    return handle(StageInput(Course("c", "Курс", files=files), str(root)), ignore)


def attach(root: Path, path: str, content: bytes = b"# Title\n\nText", mime_type: str = "") -> File:
    (root / path).write_bytes(content)
    return File(f"id-{path}", path, path, mime_type)


def test_every_file_becomes_a_document_in_order(tmp_path: Path) -> None:
    files = (
        attach(tmp_path, "b.md"),
        attach(tmp_path, "a.html", b"<h2>Part</h2><p>Text"),
        attach(tmp_path, "c.txt", b"Text"),
    )
    documents = process(tmp_path, *files)
    assert [(document.file_id, document.name, document.error) for document in documents] == [
        ("id-b.md", "b.md", None),
        ("id-a.html", "a.html", None),
        ("id-c.txt", "c.txt", None),
    ]
    assert [heading.text for document in documents for heading in document.headings] == ["Title", "Part"]


def test_bad_files_are_recorded_and_the_rest_go_on(tmp_path: Path) -> None:
    documents = process(
        tmp_path,
        File("1", "gone.md", "gone.md", ""),
        attach(tmp_path, "blank.md", b" \n\n\t"),
        attach(tmp_path, "slides.key", b"key"),
        attach(tmp_path, "photo.txt", bytes(range(256)) * 4),
        File("5", "passwd", "/etc/passwd", "text/plain"),
        attach(tmp_path, "good.md"),
    )
    assert [document.error for document in documents] == [
        "файл не найден",
        "в файле нет текста",
        "формат файла не поддерживается",
        "это не текстовый файл",
        "путь к файлу должен быть относительным",
        None,
    ]
    assert not any(document.text or document.headings for document in documents if document.error)


def test_progress_is_reported_per_file(tmp_path: Path) -> None:
    files = (attach(tmp_path, "a.md"), File("2", "gone.md", "gone.md", ""))
    reports: list[tuple[int, int]] = []
    handle(StageInput(Course("c", "Курс", files=files), str(tmp_path)), lambda *counts: reports.append(counts))
    assert reports == [(1, 2), (2, 2)]


def test_nothing_readable_fails_the_stage_and_names_the_files(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"«лекция\.md» — файл не найден"):
        process(tmp_path, File("1", "лекция.md", "lecture.md", ""))


def test_course_without_files_has_no_documents() -> None:
    assert handle(StageInput(Course("c", "Курс"), ""), ignore) == ()


def test_missing_files_root_is_an_error_to_try_again(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        process(tmp_path / "absent", File("1", "a.md", "a.md", ""))


@pytest.mark.parametrize(
    ("path", "name", "mime_type", "expected"),
    [
        ("a.md", "a.txt", "text/html", "markdown"),
        ("A.MARKDOWN", "", "", "markdown"),
        ("3f2a", "лекция.html", "", "html"),
        ("3f2a", "лекция", "text/html; charset=utf-8", "html"),
        ("notes.log", "notes.log", "text/plain", "plain text"),
        ("3f2a", "лекция.PDF", "", "pdf"),
        ("3f2a", "лекция.docx", "", "docx"),
        ("3f2a", "", "application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
        ("3f2a", "Лекция.ODT", "", "odt"),
        ("3f2a", "лекция.rtf", "", "rtf"),
        ("3f2a", "слайды", "application/vnd.oasis.opendocument.presentation", "odp"),
        ("3f2a", "", "application/vnd.ms-powerpoint.slideshow.macroEnabled.12", "pptx"),
        ("3f2a", "книга.epub", "application/octet-stream", "epub"),
        ("dir.md/file", "file", "", "plain text"),
        ("3f2a", "Лекция 1. Введение", "application/octet-stream", "plain text"),
        ("3f2a", "лекция.xyz", "application/octet-stream", None),
        ("3f2a", "запись", "audio/mpeg", None),
        ("song.mp3", "song.mp3", "audio/mpeg", None),
    ],
)
def test_extension_decides_the_format_before_the_mime_type(
    path: str, name: str, mime_type: str, expected: str | None
) -> None:
    chosen = choose_format(path, name, mime_type)
    assert (chosen.name if chosen else None) == expected


def test_a_file_that_is_listed_again_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []

    def parse(data: bytes, *_: object) -> Content:
        parsed.append(data)
        return Content("Текст")

    monkeypatch.setattr(document_processing, "parse_apart", parse)
    first = attach(tmp_path, "a.md")
    (tmp_path / "link.md").symlink_to("a.md")
    copies = [replace(first, id=str(n)) for n in range(25)] + [File("l", "l", "link.md", ""), attach(tmp_path, "b.md")]
    documents = process(tmp_path, first, *copies)
    assert len(parsed) == 1
    assert [document.error for document in documents] == [None] + ["это тот же файл, что и «a.md»"] * 27


def test_too_many_files_fail_the_stage_at_once(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="слишком много документов: 101, можно не больше 100"):
        process(tmp_path, *[attach(tmp_path, "a.md")] * 101)


def test_files_are_limited_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_processing, "MAX_BYTES", 90)
    documents = process(tmp_path, *(attach(tmp_path, f"{n}.md", f"Text {n}".encode() * 8) for n in range(3)))
    assert [document.error for document in documents] == [None] + ["вместе файлы курса больше 0 МБ"] * 2


def test_texts_are_limited_together_and_smaller_ones_still_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_processing, "MAX_TEXT_BYTES", 100)
    sizes = {"a.txt": 60, "b.txt": 50, "c.txt": 40}
    documents = process(tmp_path, *(attach(tmp_path, name, name[:1].encode() * size) for name, size in sizes.items()))
    assert [document.error for document in documents] == [None, "вместе в файлах курса слишком много текста", None]


def test_headings_are_limited_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_processing, "MAX_HEADINGS", 1)
    documents = process(tmp_path, attach(tmp_path, "a.md"), attach(tmp_path, "b.md", b"# Other\n\nText"))
    assert [document.error for document in documents] == [None, "вместе в файлах курса слишком много текста"]

"""DOCUMENT_PROCESSING: the course's files become text and headings."""

import logging
from pathlib import Path

from pipeline.contract import Document, File, Report, StageFailed, StageInput
from pipeline.course_files import FileRefused, open_root, read_file
from pipeline.formats import choose_format
from pipeline.formats.content import Content, Unreadable

_log = logging.getLogger(__name__)


def handle(stage_input: StageInput, report: Report) -> tuple[Document, ...]:
    """One Document per file, in the order of the files; of a file that can't be read it says why.

    Raises StageFailed when there are files and none of them could be read, and NotADirectoryError without a files root.
    """
    files = stage_input.course.files
    if not files:
        return ()
    root = open_root(stage_input.files_root)
    documents = []
    for done, file in enumerate(files, start=1):
        documents.append(process_file(root, file))
        report(done, len(files))
    if all(document.error for document in documents):
        reasons = "; ".join(f"«{document.name}» — {document.error}" for document in documents[:5])
        more = f"; и ещё {len(documents) - 5}" if len(documents) > 5 else ""
        raise StageFailed(f"Не удалось прочитать ни один документ курса: {reasons}{more}.")
    return tuple(documents)


def process_file(root: Path, file: File) -> Document:
    """The Document of one file; its `error` is set and its text empty when the file can't be read."""
    try:
        content = _read_content(root, file)
    except (FileRefused, Unreadable) as refusal:
        return Document(file.id, file.name, file.mime_type, error=str(refusal))
    return Document(file.id, file.name, file.mime_type, content.text, content.headings)


def _read_content(root: Path, file: File) -> Content:
    chosen = choose_format(file.path, file.name, file.mime_type)
    data = read_file(root, file.path)
    if chosen is None:
        raise Unreadable("формат файла не поддерживается")
    try:
        content = chosen.read(data)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a parser may raise anything on a broken file
        _log.warning("document_not_parsed", extra={"file_id": file.id, "format": chosen.name}, exc_info=True)
        raise Unreadable("файл повреждён, разобрать его не удалось") from error
    if not content.text.strip():
        raise Unreadable("в файле нет текста")
    return content

"""DOCUMENT_PROCESSING: the course's files become text and headings."""

import time
from pathlib import Path

from pipeline.contract import Document, File, Report, StageFailed, StageInput
from pipeline.course_files import FileRefused, open_root, read_file
from pipeline.formats import choose_format, find_format
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.signature import recognise
from pipeline.parsing import Patience, parse_apart


def handle(stage_input: StageInput, report: Report) -> tuple[Document, ...]:
    """One Document per file, in the order of the files; of a file that can't be read it says why.

    Raises StageFailed when there are files and none of them could be read, and NotADirectoryError without a files root.
    """
    files = stage_input.course.files
    if not files:
        return ()
    root = open_root(stage_input.files_root)
    patience = Patience()
    documents = []
    for done, file in enumerate(files, start=1):
        documents.append(process_file(root, file, patience))
        report(done, len(files))
    if all(document.error for document in documents):
        reasons = "; ".join(f"«{document.name}» — {document.error}" for document in documents[:5])
        more = f"; и ещё {len(documents) - 5}" if len(documents) > 5 else ""
        raise StageFailed(f"Не удалось прочитать ни один документ курса: {reasons}{more}.")
    return tuple(documents)


def process_file(root: Path, file: File, patience: Patience) -> Document:
    """The Document of one file; its `error` is set and its text empty when the file can't be read."""
    started = time.monotonic()
    try:
        content = _read_content(root, file, patience.limit_s)
    except (FileRefused, Unreadable) as refusal:
        return Document(file.id, file.name, file.mime_type, error=str(refusal))
    finally:
        patience.spend(time.monotonic() - started)
    return Document(file.id, file.name, file.mime_type, content.text, content.headings)


def _read_content(root: Path, file: File, limit_s: int) -> Content:
    """The content of the file, read as what its first bytes show, else as what its name says."""
    claimed = choose_format(file.path, file.name, file.mime_type)
    data = read_file(root, file.path)
    shown = recognise(data, claimed.name if claimed else None)
    chosen = find_format(shown) if shown else claimed
    if chosen is None:
        raise Unreadable("формат файла не поддерживается")
    content = parse_apart(data, chosen.reader, limit_s)
    if not content.text.strip():
        raise Unreadable("в файле нет текста")
    return content

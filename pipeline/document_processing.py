"""DOCUMENT_PROCESSING: the course's files become text and headings."""

import hashlib
import os
from pathlib import Path

from pipeline.contract import Document, File, Report, StageFailed, StageInput
from pipeline.course_files import FileRefused, open_root, read_file
from pipeline.formats import choose_format, find_format
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.signature import recognise
from pipeline.parsing.apart import Patience, parse_apart

#: Files of a course.
MAX_FILES = 100
#: What is read of them together, and their text together, in bytes.
MAX_BYTES, MAX_TEXT_BYTES = 200 * 1024 * 1024, 40 * 1024 * 1024
#: Headings of all documents together.
MAX_HEADINGS = 100_000


def handle(stage_input: StageInput, report: Report) -> tuple[Document, ...]:
    """One Document per file, in the order of the files; of a file that can't be read it says why.

    Raises StageFailed when there are too many files, or none of them could be read, and NotADirectoryError without a
    files root.
    """
    files = stage_input.course.files
    if not files:
        return ()
    if len(files) > MAX_FILES:
        raise StageFailed(f"У курса слишком много документов: {len(files)}, можно не больше {MAX_FILES}.")
    reader = FileReader(open_root(stage_input.files_root))
    documents = []
    for done, file in enumerate(files, start=1):
        documents.append(reader.process(file))
        report(done, len(files))
    if all(document.error for document in documents):
        reasons = "; ".join(f"«{document.name}» — {document.error}" for document in documents[:5])
        more = f"; и ещё {len(documents) - 5}" if len(documents) > 5 else ""
        raise StageFailed(f"Не удалось прочитать ни один документ курса: {reasons}{more}.")
    return tuple(documents)


class FileReader:
    """Reads the files of one stage below `root`, each content once, within the limits of all of them together."""

    def __init__(self, root: Path, patience: Patience | None = None) -> None:
        self._root = root
        self._patience = patience or Patience()
        self._bytes = self._text_bytes = self._headings = 0
        #: The name of the first file with each content, by the content's hash.
        self._names: dict[bytes, str] = {}

    def process(self, file: File) -> Document:
        """The Document of the file; its `error` is set and its text empty when the file can't be read."""
        began_s = _processor_time()
        try:
            content = self._read(file)
        except (FileRefused, Unreadable) as refusal:
            return Document(file.id, file.name, file.mime_type, error=str(refusal))
        finally:
            self._patience.spend(_processor_time() - began_s)
        return Document(file.id, file.name, file.mime_type, content.text, content.headings)

    def _read(self, file: File) -> Content:
        """The content of the file, read as what its first bytes show, else as what its name says."""
        claimed = choose_format(file.path, file.name, file.mime_type)
        data = read_file(self._root, file.path)
        digest = hashlib.sha256(data).digest()
        if digest in self._names:
            raise Unreadable(f"это тот же файл, что и «{self._names[digest]}»")
        if self._bytes + len(data) > MAX_BYTES:
            raise Unreadable(f"вместе файлы курса больше {MAX_BYTES // 2**20} МБ")
        self._bytes += len(data)
        shown = recognise(data, claimed.name if claimed else None)
        chosen = find_format(shown) if shown else claimed
        if chosen is None:
            raise Unreadable("формат файла не поддерживается")
        content = parse_apart(data, chosen.reader, self._patience.limit_s)
        if not content.text.strip():
            raise Unreadable("в файле нет текста")
        self._count(content)
        self._names[digest] = file.name
        return content

    def _count(self, content: Content) -> None:
        text_bytes = self._text_bytes + len(content.text.encode(errors="replace"))
        headings = self._headings + len(content.headings)
        if text_bytes > MAX_TEXT_BYTES or headings > MAX_HEADINGS:
            raise Unreadable("вместе в файлах курса слишком много текста")
        self._text_bytes, self._headings = text_bytes, headings


def _processor_time() -> float:
    """Of this process and of those that it has waited for, in seconds."""
    return sum(os.times()[:4])

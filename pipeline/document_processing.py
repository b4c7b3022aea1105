"""DOCUMENT_PROCESSING: the course's files become text and headings."""

import hashlib
import logging
import os
from dataclasses import asdict, replace
from pathlib import Path

from pipeline.contract import Document, Fault, File, Report, StageFailed, StageInput
from pipeline.course_files import FileRefused, open_root, read_file
from pipeline.formats import Format, choose_format, find_format
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.signature import recognise
from pipeline.parsing.apart import Patience, ReaderBroke, parse_apart

#: Files of a course.
MAX_FILES = 100
#: What is read of them together, and their text together, in bytes.
MAX_BYTES, MAX_TEXT_BYTES = 200 * 1024 * 1024, 40 * 1024 * 1024
#: Headings of all documents together.
MAX_HEADINGS = 100_000

_log = logging.getLogger(__name__)


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
        faults = tuple(document.fault for document in documents if document.fault)
        raise StageFailed(f"Не удалось прочитать ни один документ курса: {reasons}{more}.", faults)
    return tuple(documents)


class FileReader:
    """Reads the files of one stage below `root`, each content once, within the limits of all of them together."""

    def __init__(self, root: Path, patience: Patience | None = None) -> None:
        self._root = root
        self._patience = patience or Patience()
        self._bytes = self._text_bytes = self._headings = 0
        #: The name of the first file with each content or text, by its hash.
        self._names: dict[bytes, str] = {}

    def process(self, file: File) -> Document:
        """The Document of the file; its `error` is set and its text empty when the file can't be read.

        Its `fault` is set, too, and logged, when a reader of ours broke on it.
        """
        document = Document(file.id, file.name, file.mime_type)
        began_s = _processor_time()
        try:
            content = self._read(file)
        except ReaderBroke as broke:
            fault = Fault(broke.format, broke.place, broke.error)
            _log.error("document_reader_failed", extra=asdict(fault))
            return replace(document, error=str(broke), fault=fault)
        except (FileRefused, Unreadable) as refusal:
            return replace(document, error=str(refusal))
        finally:
            self._patience.spend(_processor_time() - began_s)
        return replace(document, text=content.text, headings=content.headings, title=content.title)

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
        content = self._parse(data, chosen)
        if not content.text.strip():
            raise Unreadable("в файле нет текста")
        text_digest = hashlib.sha256(content.text.strip().encode(errors="replace")).digest()
        if text_digest in self._names:
            raise Unreadable(f"в нём тот же текст, что и в файле «{self._names[text_digest]}»")
        self._count(content)
        self._names |= dict.fromkeys((digest, text_digest), file.name)
        return content

    def _parse(self, data: bytes, chosen: Format) -> Content:
        try:
            return parse_apart(data, chosen.reader, self._patience.limit_s)
        except ReaderBroke as broke:
            raise ReaderBroke(broke.place, broke.error, chosen.name) from broke

    def _count(self, content: Content) -> None:
        text_bytes = self._text_bytes + len(content.text.encode(errors="replace"))
        headings = self._headings + len(content.headings)
        if text_bytes > MAX_TEXT_BYTES or headings > MAX_HEADINGS:
            raise Unreadable("вместе в файлах курса слишком много текста")
        self._text_bytes, self._headings = text_bytes, headings


def _processor_time() -> float:
    """Of this process and of those that it has waited for, in seconds."""
    return sum(os.times()[:4])

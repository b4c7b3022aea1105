"""Zip packages of documents: measured before they are unpacked, and read without the parts that no reader needs."""

import posixpath
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pipeline.formats.content import Unreadable

MAX_ENTRIES = 10_000
#: Of all entries together, unpacked.
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
#: Of the parts that are read, unpacked; an XML tree takes many times as much memory.
MAX_READ_BYTES = 48 * 1024 * 1024
#: The parts of real documents shrink to a tenth, monotonous tables to a fiftieth; small ones don't matter.
MAX_RATIO = 200
_SMALL_BYTES = 1024 * 1024
_ENCRYPTED = 0x1
_DIRECTORY_ENTRY = b"PK\x01\x02"
_TOO_MANY = "архив внутри файла содержит слишком много частей"
_CHUNK = 1024 * 1024


#: Strict OOXML has other namespaces for the same elements.
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
#: The parts that hold text; pictures, sounds and fonts are not unpacked.
_TEXT_PARTS = (".xml", ".rels", ".opf", ".ncx", ".htm", ".html", ".xhtml", ".txt", ".docx", "mimetype")
_SUPPORTING_BYTES = 1024 * 1024

Element = ElementTree.Element
#: Namespaces that several formats share: of drawings, of references to other parts, of what describes a document.
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
DC = "{http://purl.org/dc/elements/1.1/}"


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of a package that hold text, by name."""

    parts: dict[str, bytes]

    def find(self, name: str) -> str | None:
        """The part of this name, whose case does not matter; None if there is none."""
        if name in self.parts:
            return name
        return next((part for part in self.parts if part.casefold() == name.casefold()), None)

    def parse(self, name: str) -> Element | None:
        """The root of an XML part; None if there is no such part. Raises Unreadable when it is broken."""
        part = self.find(name)
        return parse_xml(self.parts[part]) if part is not None else None

    def find_relationships(self, source: str) -> dict[str, tuple[str, str]]:
        """The kind and the target of the relationships of a part, by id; the package's own are those of ""."""
        folder, name = posixpath.split(source)
        root = self.parse(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, tuple[str, str]] = {}
        for entry in root if root is not None else ():
            if entry.get("TargetMode") != "External":
                kind = entry.get("Type", "").rpartition("/")[2]
                target = unquote(entry.get("Target", "")).replace("\\", "/")
                found[entry.get("Id", "")] = kind, posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        return found

    def find_related(self, source: str, kind: str) -> str | None:
        """The first part that is there and has a relationship of this kind to `source`."""
        targets = (target for found, target in self.find_relationships(source).values() if found == kind)
        return next(filter(None, map(self.find, targets)), None)


@contextmanager
def refuse_deep_nesting() -> Iterator[None]:
    """Raises Unreadable where elements are nested too deeply for a reader that recurses."""
    try:
        yield
    except RecursionError as error:
        raise Unreadable("части документа вложены друг в друга слишком глубоко") from error


def parse_xml(content: bytes) -> Element:
    """The root element. Raises Unreadable when the XML is broken or declares a document type."""
    _refuse_declarations(content)
    try:
        return ElementTree.fromstring(content)  # noqa: S314 - no declarations
    except ElementTree.ParseError as error:
        raise Unreadable("файл повреждён, разобрать его не удалось") from error


def list_names(data: bytes) -> frozenset[str]:
    """The names of the entries. Raises Unreadable when this is no whole zip archive."""
    with _open(data) as archive:
        return frozenset(archive.namelist())


def read_entry(data: bytes, name: str) -> bytes:
    """The content of a small entry; empty if there is none, it is large or can't be unpacked."""
    with _open(data) as archive:
        entry = next((entry for entry in archive.infolist() if entry.filename == name), None)
        if entry is None or entry.file_size > _SUPPORTING_BYTES or entry.flag_bits & _ENCRYPTED:
            return b""
        try:
            return _unpack(archive, entry)
        except Unreadable:
            return b""


def read_package(data: bytes, *, is_book: bool = False) -> Package:
    """The parts of the package. Raises Unreadable when it is broken, encrypted, or unpacks to too much.

    What the archive says of its sizes is checked first; nothing is unpacked beyond what it says. No XML in it may
    declare a document type; pages of books may, since they are read as HTML.
    """
    parts: dict[str, bytes] = {}
    with _open(data) as archive:
        entries = archive.infolist()
        _check_sizes(entries)
        for entry in entries:
            if _holds_text(entry):
                content = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", _unpack(archive, entry))
                parts[entry.filename.replace("\\", "/").lstrip("/")] = content
    for name, content in parts.items():
        if not is_book and name.endswith((".xml", ".rels")):
            _refuse_declarations(content)
    return Package(parts)


def _holds_text(entry: ZipInfo) -> bool:
    return entry.filename.lower().endswith(_TEXT_PARTS)


def _open(data: bytes) -> ZipFile:
    if data.count(_DIRECTORY_ENTRY) > 2 * MAX_ENTRIES:  # archives in the archive have some too
        raise Unreadable(_TOO_MANY)
    try:
        return ZipFile(BytesIO(data))
    except (BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        raise Unreadable("файл повреждён или загружен не целиком") from error


def _check_sizes(entries: list[ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(_TOO_MANY)
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise Unreadable("файл защищён паролем")
    if any(entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for entry in entries):
        raise Unreadable("файл повреждён: его части сжаты неизвестным способом")
    read = sum(entry.file_size for entry in entries if _holds_text(entry))
    is_bomb = any(
        entry.file_size > _SMALL_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1)
        for entry in entries
    )
    if is_bomb or read > MAX_READ_BYTES or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise Unreadable("при распаковке файл становится недопустимо большим")


def _unpack(archive: ZipFile, entry: ZipInfo) -> bytes:
    """The content of the entry, no longer than the archive says; in pieces, since one read inflates all there is."""
    content = bytearray()
    try:
        with archive.open(entry) as unpacked:
            while piece := unpacked.read(_CHUNK):
                content += piece
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise Unreadable("файл повреждён: его части не распаковываются") from error
    return bytes(content)


class _RootReached(Exception):
    """The root element begins: what may declare entities is over."""


def _refuse_declarations(content: bytes) -> None:
    """Returns when the XML has no document type, which the format forbids and XML bombs are made of."""

    def refuse(*_: object) -> None:
        raise Unreadable("файл содержит объявления сущностей XML, такие файлы не читаются")

    def stop(*_: object) -> None:
        raise _RootReached

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = stop
    with suppress(_RootReached, expat.ExpatError):  # a broken part matters only if it is read
        parser.Parse(content, True)

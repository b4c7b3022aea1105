"""The zip package of DOCX and PPTX: measured before it is unpacked, and read without the parts that no reader needs."""

import zlib
from dataclasses import dataclass
from io import BytesIO
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


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of a package that hold XML, by name, unpacked and free of document type declarations.

    `media` names all others.
    """

    parts: dict[str, bytes]
    media: tuple[str, ...]

    def pack(self) -> BytesIO:
        """A package of the same parts, all media empty."""
        packed = BytesIO()
        with ZipFile(packed, "w") as archive:
            for name, content in {**dict.fromkeys(self.media, b""), **self.parts}.items():
                archive.writestr(name, content)
        packed.seek(0)
        return packed


def list_names(data: bytes) -> frozenset[str]:
    """The names of the entries. Raises Unreadable when this is no whole zip archive."""
    with _open(data) as archive:
        return frozenset(archive.namelist())


def read_package(data: bytes) -> Package:
    """The XML parts of the package. Raises Unreadable when it is broken, encrypted, or unpacks to too much.

    What the archive says of its sizes is checked first; nothing is unpacked beyond what it says. Media are left out.
    """
    parts: dict[str, bytes] = {}
    media: list[str] = []
    with _open(data) as archive:
        entries = archive.infolist()
        _check_sizes(entries)
        for entry in entries:
            if entry.filename.endswith((".xml", ".rels")):
                parts[entry.filename] = _unpack(archive, entry)
            else:
                media.append(entry.filename)
    for content in parts.values():
        _refuse_declarations(content)
    return Package(parts, tuple(media))


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
    read = sum(entry.file_size for entry in entries if entry.filename.endswith((".xml", ".rels")))
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
    try:
        parser.Parse(content, True)
    except _RootReached:
        return
    except expat.ExpatError as error:
        raise Unreadable("файл повреждён, разобрать его не удалось") from error

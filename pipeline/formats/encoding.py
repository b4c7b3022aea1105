"""From bytes to text: byte order marks, UTF-8, declared charsets, Windows-1251."""

import codecs
import re
from contextlib import suppress

from pipeline.formats.content import Unreadable

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

#: Codecs a page may declare, by Python's names. ISO 8859-1 means Windows-1252 to every browser.
_DECLARABLE = {
    "utf-8": "utf-8",
    "ascii": "utf-8",
    "cp1251": "cp1251",
    "cp866": "cp866",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "iso8859-5": "iso8859-5",
    "mac-cyrillic": "mac-cyrillic",
    "cp1252": "cp1252",
    "iso8859-1": "cp1252",
}

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile(r"[Ѐ-ӿ]")
_RUSSIAN_WORD = re.compile(r"[А-ЯЁІЇЄҐЎ]?[а-яёіїєґў]+|[А-ЯЁІЇЄҐЎ]+")


def decode_text(data: bytes, declared: str | None = None) -> str:
    """`data` as text: by its byte order mark, else as declared, else as UTF-8, else as Windows-1251 when plausible.

    Lines end in `\\n`, NUL characters and trailing space are gone. Raises Unreadable when nothing fits.
    """
    text = _decode(data, declared)
    if len(_CONTROL.findall(text)) * 100 > len(text):
        raise Unreadable("это не текстовый файл")
    return normalise_text(text)


def normalise_text(text: str) -> str:
    """`text` with `\\n` line ends, without NUL characters and trailing space."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").rstrip()


def _decode(data: bytes, declared: str | None) -> str:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(codec)
            except UnicodeDecodeError as error:
                raise Unreadable("файл повреждён: его кодировка нарушена") from error
    for fitting in filter(None, (_find_declared(declared), "utf-8")):
        with suppress(UnicodeDecodeError):
            return data.decode(fitting)
    with suppress(UnicodeDecodeError):
        text = data.decode("cp1251")
        if _reads_as_russian(text):
            return text
    raise Unreadable("не удалось определить кодировку текста, сохраните файл в UTF-8")


def _find_declared(declared: str | None) -> str | None:
    try:
        return _DECLARABLE.get(codecs.lookup(declared).name) if declared else None
    except (LookupError, ValueError):
        return None


def _reads_as_russian(text: str) -> bool:
    """True when the words with Cyrillic letters look like words, and most of their letters are small.

    Other encodings read as Windows-1251 give mixed words (`cafй`), broken ones (`РџСЂРё`) or capitals (KOI8-R).
    """
    words = [word for word in _WORD.findall(text[:200_000]) if _CYRILLIC.search(word)]
    good = [word for word in words if _RUSSIAN_WORD.fullmatch(word)]
    small = sum(word[1:].islower() or word.islower() for word in good)
    return len(good) >= 0.9 * len(words) and small > len(good) / 2

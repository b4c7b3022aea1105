"""From bytes to text: byte order marks, declared charsets, UTF-8, and a detector for the rest."""

import codecs
import re
from collections import defaultdict
from collections.abc import Iterator

import webencodings

from pipeline.formats.content import Unreadable

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: What the detector chooses from: the encodings of the web, and those of DOS and Korea that it lacks.
_CANDIDATES = (
    *sorted(set(webencodings.LABELS.values()) - {"replacement", "x-user-defined"}),
    *("iso-8859-1", "iso-8859-9", "utf-32le", "utf-32be", "cp437", "cp850", "cp852", "cp855", "cp949", "johab"),
    *("hz", "iso-2022-kr"),
)
#: Codecs that decode the same and more, beside those that the web's table names.
_WIDER = {"gbk": "gb18030", "euc_jis_2004": "euc_jp", "shift_jis_2004": "cp932"}
#: In bytes: what the detector sees of a file, and the least of the parts that it judges one by one.
_SAMPLE, _LEAST_PART = 200_000, 100
_PARTS = 12
#: How much less likely a codec is that some parts do not fit: the share of the others to this power.
_RIGOUR = 0.15
#: A text of few letters beyond ASCII is a guess below this confidence.
_FEW_LETTERS, _DOUBTFUL = 100, 0.04
#: Quotation marks in English text give the detector little to go by: this codec wins if it is about as probable.
_DEFAULT, _HEAD_START = "cp1252", 1.1
_ASCII = bytes(range(128))
#: Well-formed UTF-8 with so many characters beyond ASCII is UTF-8, even if the page declares another encoding.
_SURE = 20

_BROKEN = "\ufffd"
_INVISIBLE = "\0\ufeff\u00ad"
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_FOREIGN_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]*[\u00c0-\u07ff][A-Za-z\u00c0-\u07ff]*")
_PRIVATE = re.compile(r"[\ue000-\uf8ff]")
_MIXED_WORD = re.compile(r"[A-Za-z][\u0370-\u07ff]|[\u0370-\u07ff][A-Za-z]|[a-zа-яё][\u00c0-\u00deА-Я]")


def decode_text(data: bytes, declared: str | None = None) -> str:
    """`data` as text: by its byte order mark, as UTF-8 if it surely is, as declared, as UTF-8, or by detection.

    Bytes that don't fit become U+FFFD. Lines end in `\\n`; NUL characters, byte order marks, soft hyphens and trailing
    space are gone. Raises Unreadable when no encoding fits.
    """
    text = _decode(data, declared)
    if len(_CONTROL.findall(text)) * 100 > len(text):
        raise Unreadable("это не текстовый файл")
    return normalise_text(text)


def normalise_text(text: str) -> str:
    """`text` with `\\n` line ends, without NUL characters, byte order marks, soft hyphens and trailing space."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for character in _INVISIBLE:  # ten times faster than `translate`
        text = text.replace(character, "")
    return text.rstrip()


def _decode(data: bytes, declared: str | None) -> str:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _check(data.decode(codec, errors="replace"))
    if data.count(0) * 1000 < len(data):
        data = data.replace(b"\0", b"")  # UTF-16 has more of them
    utf_8 = None if _is_coded_in_ascii(data) else "utf-8"
    for fitting in (utf_8 if _is_surely_utf_8(data) else _find_declared(declared), utf_8):
        if fitting and _fits(text := data.decode(fitting, errors="replace")):
            return text
    if found := _detect(data):
        if found.startswith("utf-16"):  # in short texts the detector confuses the two
            found = "utf-16-be" if data[::2].count(0) > data[1::2].count(0) else "utf-16-le"
        if _fits(text := data.decode(found, errors="replace")):
            return text
    return _check(data.decode(errors="replace"))


def _is_coded_in_ascii(data: bytes) -> bool:
    """True for UTF-16, ISO 2022 and HZ, whose bytes are valid UTF-8 and mean something else."""
    return b"\0" in data or (data.isascii() and (b"\x1b$" in data or (b"~{" in data and b"~}" in data)))


def _is_surely_utf_8(data: bytes) -> bool:
    """True when so many characters beyond ASCII are well-formed that they can't be of another encoding."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return len(text) - len(text.encode("ascii", "ignore")) >= _SURE


def _find_declared(label: str | None) -> str | None:
    """The codec of the label by the web's table; None for what no page can declare in ASCII."""
    found = webencodings.lookup(label) if label else None
    if found is None or found.name in {"utf-16le", "utf-16be", "replacement", "x-user-defined"}:
        return None
    return _widen(found.codec_info.name)


def _widen(codec: str) -> str:
    found = webencodings.lookup(codec)
    name = found.codec_info.name if found else codec
    return _WIDER.get(name, name)


def _check(text: str) -> str:
    if not _fits(text) and text.count(_BROKEN) * 50 > len(text):
        raise Unreadable("не удалось определить кодировку текста, сохраните файл в UTF-8")
    return text


def _fits(text: str) -> bool:
    """True when at most a fifth of the characters beyond ASCII are broken."""
    broken = text.count(_BROKEN)
    return broken == 0 or broken * 5 <= len(text) - len(text.encode("ascii", "ignore"))


def _detect(data: bytes) -> str | None:
    """The codec in which the parts of the sample read best; None when that is doubtful.

    The detector drops a codec that a single byte does not fit. So it judges parts, and a codec may miss a few of them.
    """
    sample = data[:_SAMPLE]
    letters = len(sample.translate(None, _ASCII))
    is_whole = _is_coded_in_ascii(sample)
    scores: dict[str, float] = defaultdict(float)
    weights: dict[str, int] = defaultdict(int)
    for part in [sample] if is_whole else _divide(sample):
        weight = len(part.translate(None, _ASCII)) or is_whole
        for codec, confidence in _rank(part) if weight else ():
            scores[codec] += weight * confidence
            weights[codec] += weight
    confidences = {
        codec: scores[codec] / weight * (weight / max(letters, 1)) ** _RIGOUR
        for codec, weight in weights.items()
        if weight * 3 >= letters
    }
    confidences[_DEFAULT] = confidences.get(_DEFAULT, 0) * _HEAD_START
    least = max(confidences.values()) / 2 if letters >= _FEW_LETTERS else _DOUBTFUL
    probable = sorted(
        (codec for codec in confidences if confidences[codec] >= least), key=lambda codec: -confidences[codec]
    )
    return next((codec for codec in probable if _reads_well(sample, codec)), None)


def _rank(data: bytes) -> list[tuple[str, float]]:
    """The codecs that fit all of the data, the most probable first, with their confidences."""
    import chardet  # its models take 30 MB, and most texts are UTF-8

    found = chardet.detect_all(
        data, compat_names=False, include_encodings=_CANDIDATES, no_match_encoding="utf-8", ignore_threshold=True
    )
    ranked: dict[str, float] = {}
    for each in found:
        if each["encoding"]:
            ranked.setdefault(_widen(each["encoding"]), each["confidence"])
    return list(ranked.items())


def _reads_well(sample: bytes, codec: str) -> bool:
    """False when many words mix alphabets or have capitals within, or characters have no meaning."""
    text = sample.decode(codec, errors="replace")
    is_mixed = len(_MIXED_WORD.findall(text)) * 3 > len(_FOREIGN_WORD.findall(text))
    return not is_mixed and len(_PRIVATE.findall(text)) * 200 <= len(sample.translate(None, _ASCII))


def _divide(sample: bytes) -> Iterator[bytes]:
    """About a dozen parts that end in white space."""
    least = max(len(sample) // _PARTS, _LEAST_PART)
    for part in re.finditer(rb".{%d}[^\s]*|.+" % least, sample, re.DOTALL):
        yield part[0]

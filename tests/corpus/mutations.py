"""Damage to files, the same at each run."""

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from random import Random


def damage(data: bytes, times: int) -> Iterator[bytes]:
    """Yields the file damaged in so many ways; in a package one of its parts is damaged, and packed again."""
    random = Random(zlib.crc32(data))
    for _ in range(times):
        yield _damage_part(data, random) if data.startswith(b"PK") else _damage_bytes(data, random)


def _damage_part(package: bytes, random: Random) -> bytes:
    with zipfile.ZipFile(BytesIO(package)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    chosen = random.choice([name for name in parts if name.endswith((".xml", ".rels", ".xhtml", ".opf"))])
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, part in parts.items():
            if name != chosen:
                archive.writestr(name, part)
            elif random.random() < 0.9:  # else the part is missing
                archive.writestr(name, _damage_markup(part, random))
    return packed.getvalue()


def _damage_markup(part: bytes, random: Random) -> bytes:
    """An element is missing, stands twice, or elsewhere; a value is another; or bytes are."""
    pieces = part.split(b"<")
    kind = random.randrange(5)
    at, to = sorted((random.randrange(len(pieces)), random.randrange(len(pieces))))
    if kind == 0 and to - at < 50:
        del pieces[at:to]
    elif kind == 1:
        pieces[at:at] = pieces[at : at + 20]
    elif kind == 2:
        pieces[at], pieces[to] = pieces[to], pieces[at]
    elif kind == 3:
        words = pieces[at].split(b'"')
        words[random.randrange(len(words))] = random.choice([b"", b"-1", b"99999999999", b"x", b"\xd0\x9f", b"nan"])
        pieces[at] = b'"'.join(words)
    else:
        return _damage_bytes(part, random)
    return b"<".join(pieces)


def _damage_bytes(data: bytes, random: Random) -> bytes:
    """A few bytes are others, a stretch is missing or stands twice, or the end is missing."""
    at = random.randrange(len(data))
    to = min(len(data), at + random.choice([1, 10, 500]))
    kind = random.randrange(4)
    if kind == 0:
        changed = bytearray(data)
        for place in (random.randrange(len(data)) for _ in range(random.choice([1, 5, 40]))):
            changed[place] = random.randrange(256)
        return bytes(changed)
    if kind == 1:
        return data[:at] + data[to:]
    if kind == 2:
        return data[:to] + data[at:to] * random.choice([1, 3]) + data[to:]
    return data[: max(at, 1)]

"""Plain text: the lines as written, headings by modest guesses.

A line is taken for a heading when it
- stands above a line of `=`, `-` or `~` at least half as long as itself, and below a blank line or the start;
- begins with «§» or a word such as «Глава» and a number, is short, and stands below a blank line or the start
  (a title after the number begins with a mark or a capital: «Глава 3 показывает…» is a sentence);
- is short, numbered like `1.2 Title`, and stands between blank lines, its neighbour not being numbered alike (a list);
- is short, numbered like `II. Title`, and stands between blank lines, where the numbers begin with I and II;
- is short, in capitals, and stands between blank lines.
A guess that misses costs little: the line stays in the text either way.
"""

import re
from itertools import accumulate

from pipeline.contract import Heading
from pipeline.formats.content import Content
from pipeline.formats.contents import drop_contents
from pipeline.formats.encoding import decode_text

_LONGEST_HEADING = 100
_UNDERLINE = re.compile(r"([=~-])\1{2,}")
_UNDERLINE_LEVELS = {"=": 1, "-": 2, "~": 3}
_CHAPTER = re.compile(
    r"(?:(часть|модуль|part|module)\s|(глава|раздел|chapter|section|unit)\s|(лекция|урок|тема|занятие|lecture|lesson)\s|(§))"
    r"\s*(?:№\s*)?(?:\d+(?:\.\d+)*|[ivxlc]+|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|(?:перв|втор|трет|четв[её]рт|пят|шест|седьм|восьм|девят|десят)[а-я]{1,2})\b(.*)",
    re.IGNORECASE,
)
_CHAPTER_TITLE = re.compile(r"\s*[.:)—–-].*|\s*|\s+[«\"“]?[^\W\d_a-zа-яё].*")
_SPACED = re.compile(r"\s*(?:[^\W\d_a-zа-яё] ){4,}[^\W\d_a-zа-яё](?:  (?:[^\W\d_a-zа-яё] )*[^\W\d_a-zа-яё])*")
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4})[.)]?\s+[^\W\d_].*")
_ROMAN, _ROMAN_LEVEL = re.compile(r"[IVX]{1,5}[.)]\s+[^\W\d_a-zа-яё].*"), 3
_SENTENCE_END = (".", ",", ";", ":", "!", "…")


def read_plain_text(data: bytes) -> Content:
    """The text without trailing space in its lines and without its table of contents; the headings guessed in it.

    A page begins on a new line.
    """
    text = decode_text(data).replace("\f", "\n")
    lines = drop_contents([_close_up(line.rstrip()) for line in text.split("\n")])
    return guess_headings("\n".join(lines))


def _close_up(line: str) -> str:
    """The line without the spaces between single capitals: «В В Е Д Е Н И Е»."""
    return re.sub(r"(?<! ) (?! )", "", line).replace("  ", " ") if _SPACED.fullmatch(line) else line


def guess_headings(text: str) -> Content:
    """`text` and the lines of it that look like headings."""
    lines = text.split("\n")
    starts = accumulate((len(line) + 1 for line in lines), initial=0)
    headings = []
    has_roman = all(re.search(rf"^\s*{number}[.)]\s", text, re.MULTILINE) for number in ("I", "II"))
    for number, start in zip(range(len(lines)), starts, strict=False):
        level = _guess_level(lines, number, has_roman=has_roman)
        if level:
            headings.append(Heading(level, " ".join(lines[number].split()), start))
    return Content(text, tuple(headings))


def find_chapter_level(line: str) -> int | None:
    """1 to 3 for lines such as «Глава 2. Основы», «Часть I» and «§ 5», else None."""
    chapter = _CHAPTER.match(line)
    if not chapter or not _CHAPTER_TITLE.fullmatch(chapter[5]) or line.endswith(_SENTENCE_END[1:]):
        return None
    return next(level for level in (1, 2, 3) if chapter[level] or (level == 3 and chapter[4]))


def _guess_level(lines: list[str], number: int, *, has_roman: bool) -> int | None:
    line = lines[number].strip()
    if not line or len(line) > _LONGEST_HEADING or (number and lines[number - 1].strip()):
        return None
    following = lines[number + 1].strip() if number + 1 < len(lines) else ""
    underline = _UNDERLINE.fullmatch(following)
    if underline and len(following) * 2 >= len(line) and any(map(str.isalnum, line)):
        return _UNDERLINE_LEVELS[underline[1]]
    level = find_chapter_level(line)
    if level:
        return level
    if following or line.endswith(_SENTENCE_END):
        return None
    return _ROMAN_LEVEL if has_roman and _ROMAN.fullmatch(line) else _guess_level_alone(lines, number)


def _guess_level_alone(lines: list[str], number: int) -> int | None:
    """The level of a line between blank lines, by its numbering or its capitals."""
    line = lines[number].strip()
    numbered = _NUMBERED.fullmatch(line)
    if numbered:
        parts = numbered[1].count(".") + 1
        return None if _is_list_item(lines, number, parts) else min(3 + parts, 6)
    if line.isupper() and sum(map(str.isalpha, line)) >= 4:
        return 2 if any(lines[:number]) else 1
    return None


def _is_list_item(lines: list[str], number: int, parts: int) -> bool:
    """True when the next line with text is numbered to the same depth, as in a list with blank lines."""
    following = next((line.strip() for line in lines[number + 1 : number + 10] if line.strip()), "")
    numbered = _NUMBERED.match(following)
    return numbered is not None and numbered[1].count(".") + 1 == parts

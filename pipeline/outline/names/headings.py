"""What the headings of a document, and the document itself, are called."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from pipeline.contract import Document, Heading
from pipeline.formats.placeholders import is_placeholder
from pipeline.outline.names.furniture import Worth, judge_heading
from pipeline.outline.names.titles import capitalise, clean_title, clean_titles, find_kind, is_only_number, is_only_work

_LONGEST_SUBTITLE = 100
#: How far below a heading its subtitle may stand, in characters.
_NEAR = 300
_SUBTITLE = re.compile(r"[«\"“]?[^\W\d_].*[^.;,:…\s]")
_ITEM = re.compile(r"^[-*•–]\s+")
_MOST_ITEMS = 3
#: People under the title of a work are its authors; under that of a lecture one with a full name may be its subject.
_INITIALS = re.compile(r"(?:[А-ЯЁ]\.\s*){1,2}[А-ЯЁ][\w-]+|[А-ЯЁ][\w-]+,?(?:\s*[А-ЯЁ]\.){1,2}")
_FULL_NAME = re.compile(r"(?:[А-ЯЁ][\w-]+ ){2}[А-ЯЁ]\w+(?:вич|вна|ична)")
_MARKS = re.compile(r"[*_`]{1,3}")
_UNDERLINE = re.compile(r"[=~-]{3,}")
#: Names of files that people give to be read by others.
_IS_FOR_PEOPLE = re.compile(r"[а-яё]| ", re.IGNORECASE)
_FILE_NUMBER = re.compile(r"^\d{1,3}(?:[\s._-]+|(?=[^\W\d_]))|\s*\(\d{1,2}\)$")


@dataclass(frozen=True, slots=True)
class Name:
    """A heading's name, and what it is worth as the name of a lesson."""

    text: str
    worth: Worth


def name_headings(document: Document, headings: Sequence[Heading]) -> list[Name]:
    """One name per heading. One that says only its number, «Лекция №8», has that of what stands right below it."""
    titles = clean_titles([heading.text for heading in headings])
    for number, title in enumerate(titles):
        if is_only_number(title) or is_only_work(title):
            subtitle = _find_subtitle(document.text, headings, titles, number)
            titles[number] = (
                clean_title(f"{title}: {subtitle}") if subtitle and is_only_work(title) else subtitle or title
            )
    names: list[Name] = []
    is_last = True
    for title, heading in zip(reversed(titles), reversed(headings), strict=True):
        names.append(Name(title or heading.text, judge_heading(title, is_last=is_last)))
        is_last = is_last and names[-1].worth is Worth.NONE
    return names[::-1]


def name_document(document: Document, headings: Sequence[Heading], names: Sequence[Name], start: int) -> str:
    """What the document calls itself: its title, else the heading it begins with, else its file's name; may be empty.

    A common heading, or one that is numbered as a first chapter, is not the document's; that of the only lecture is.
    """
    own = clean_title(document.title)
    if own and judge_heading(own, is_last=False) is Worth.GOOD and not is_placeholder(own):
        return own
    file_name = _read_file_name(document.name)
    first_line = _find_first_line(document.text, start, headings)
    if first_line and (find_kind(first_line) or not _IS_FOR_PEOPLE.search(file_name)):
        return clean_title(first_line)
    if not headings or headings[0].start - start > _NEAR or names[0].worth is not Worth.GOOD:
        return file_name
    kind = find_kind(headings[0].text)
    is_of_whole = names[0].text == " ".join(headings[0].text.split()) or (
        kind and all(find_kind(heading.text) != kind for heading in headings[1:])
    )
    return names[0].text if is_of_whole or not file_name else file_name


def _find_first_line(text: str, start: int, headings: Sequence[Heading]) -> str:
    """The line that the document begins with, if that is short, stands alone, and is neither heading nor sentence."""
    lines = text[start : start + _NEAR].split("\n")
    begins_with_heading = bool(headings) and headings[0].start <= start
    if begins_with_heading or any(line.strip() for line in lines[1:2]) or len(lines) < 2:
        return ""
    line = _join_block([_MARKS.sub("", lines[0]).strip()], may_end=bool(find_kind(lines[0])))
    return line if judge_heading(clean_title(line), is_last=False) is Worth.GOOD else ""


def _read_file_name(name: str) -> str:
    """The name without folder, type, number and underscores; "" when a program made it."""
    stem = PurePosixPath(unquote(name).replace("\\", "/")).stem
    words = stem if " " in stem else re.sub(r"[_+-]+", " ", stem)
    title = clean_title(_FILE_NUMBER.sub("", words.replace("_", " ")).strip())
    return "" if sum(map(str.isalpha, title)) < 2 or is_placeholder(title) else capitalise(title)


def _find_subtitle(text: str, headings: Sequence[Heading], titles: Sequence[str], number: int) -> str:
    """What stands alone and short below a heading, or the heading that follows it at once; "" without either."""
    start = headings[number].start
    following = headings[number + 1] if number + 1 < len(headings) else None
    end = min(following.start if following else len(text), start + _NEAR)
    lines = [_MARKS.sub("", line).strip() for line in text[start:end].split("\n")[1:]]
    lines = [line for line in lines if not _is_author(line, of_work=is_only_work(titles[number]))]
    lines = list(itertools.dropwhile(_is_blank_or_rule, lines))
    block = list(itertools.takewhile(bool, lines))
    if block:
        title = clean_title(_join_block(block, may_end=end < start + _NEAR))
        return title if judge_heading(title, is_last=False) is Worth.GOOD else ""
    if following is None or following.start > start + _NEAR or is_only_number(titles[number + 1]):
        return ""
    level = headings[number].level
    below = itertools.takewhile(lambda heading: heading.level > level, itertools.islice(headings, number + 1, None))
    has_siblings = sum(heading.level <= following.level for heading in below) > 1
    is_good = judge_heading(titles[number + 1], is_last=False) is Worth.GOOD
    return titles[number + 1] if is_good and not has_siblings else ""


def _is_author(line: str, *, of_work: bool) -> bool:
    return _INITIALS.fullmatch(line) is not None or (of_work and _FULL_NAME.fullmatch(line) is not None)


def _is_blank_or_rule(line: str) -> bool:
    return not line or _UNDERLINE.fullmatch(line) is not None


def _join_block(lines: Sequence[str], *, may_end: bool) -> str:
    """A line that is no sentence, or two or three items of a list, as a slide has its subtitle; else "".

    Where little else stands the line `may_end` as a sentence does.
    """
    items = [_ITEM.sub("", line) for line in lines]
    if len(lines) == 1 and items == list(lines):
        line = lines[0].rstrip(".") if may_end else lines[0]
        return line if len(line) <= _LONGEST_SUBTITLE and _SUBTITLE.fullmatch(line) else ""
    is_list = all(item != line for item, line in zip(items, lines, strict=True)) and len(items) <= _MOST_ITEMS
    joined = " ".join(items)
    return (joined if len(joined) <= _LONGEST_SUBTITLE else items[0]) if is_list else ""

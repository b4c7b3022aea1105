"""Text of other formats as Markdown: what looks like markup by chance must not act as such.

Every `<` that could begin HTML is escaped outside code. Text counts as code only where every renderer agrees: in a
fence at the margin, and in a span within one line. So fences are moved to the margin, indented code becomes fenced
code, and backticks that pair with none in their line are escaped.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from pipeline.contract import Document
from pipeline.formats import choose_format
from pipeline.markdown_text import fence_code, scan_lines

# A link could swallow the backtick that opens a span. A backslash would escape what follows it, but tables need theirs
# before a `|`.
_MARK = re.compile(r"\$[^$<`]+\$|`+|<(?=[A-Za-z/!?])|\](?=\()|&(?=#?\w{1,32};)|\\[*_~\[\]]|\\(?=[!-/:-@\\^`{}])")
#: A formula is left as it is: with its commands escaped it would be another one.
_COMMAND = re.compile(r"\\[A-Za-z]")
_BACKTICKS = re.compile(r"`+")
_HEADING = re.compile(r"(\s*)(#{1,6}(?!\S)|=+$|-+$)")
#: What would begin a list, a quotation, a heading or a fence within a list item.
_ITEM_START = re.compile(r"\A(?:(\d{1,9})(?=[.)](?!\S))|(?=[-+*](?!\S)|#{1,6}(?!\S)|>|~~~))")
_CLOSING_HASHES = re.compile(r"(?<!\S)(?=#+$)")
_LIST_ITEM = re.compile(r"\s*(?:[-+*]|\d{1,9}[.)])(?:\s|$)")
_INDENT = re.compile(r"(?: {4}| {0,3}\t)\s*")
_ONE_INDENT = re.compile(r" {4}| {0,3}\t")
#: An indented line longer than this is the beginning of a paragraph, not code.
_LONGEST_CODE_LINE = 100


def escape_text(document: Document, text: str) -> str:
    """`text` of this document as Markdown: unchanged when it is Markdown, else escaped outside code."""
    if is_markdown(document):
        return text
    chosen = choose_format("", document.name, document.mime_type)
    is_plain = chosen is not None and chosen.name == "plain text"
    return escape_plain_text(text) if is_plain else "\n".join(_escape_lines(text))


def is_markdown(document: Document) -> bool:
    """True when the document's text is Markdown as written; that of other formats only looks like it."""
    chosen = choose_format("", document.name, document.mime_type)
    return chosen is None or chosen.name == "markdown"


def escape_plain_text(text: str) -> str:
    """Plain text of several paragraphs as Markdown."""
    return "\n".join(_escape_lines(_dedent_paragraphs(text)))


def escape_title(title: str) -> str:
    """A title in one line, to stand behind the `#` of a heading or the number of an entry."""
    return _CLOSING_HASHES.sub(r"\\", _escape_inline(" ".join(title.split())))


def escape_item(text: str) -> str:
    """A text in one line, to stand behind the mark of a list item."""
    return _ITEM_START.sub(r"\1\\", escape_title(text))


def _escape_lines(text: str) -> Iterator[str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    code: list[str] = []
    fence, in_list, after_blank = "", False, True
    for line in scan_lines(text, 0, len(text)):
        is_blank = not line.text.strip()
        is_indented = not is_blank and _INDENT.match(line.text) is not None
        if not line.is_code and not in_list and ((is_indented and after_blank) or (code and (is_indented or is_blank))):
            code.append(line.text)
        else:
            yield from _fence(code)
            code = []
            if line.is_code:
                # A fence with a `|` may be read as the head of a table.
                yield line.text if line.before and line.after else line.text.strip().replace("|", " ").rstrip()
            else:
                yield _escape_line(line.text)
        if not is_blank and not is_indented:
            in_list = not line.is_code and (_LIST_ITEM.match(line.text) is not None or (in_list and not after_blank))
        after_blank = is_blank
        fence = line.after
    yield from _fence(code)
    if fence:
        yield fence


def _fence(code: list[str]) -> Iterator[str]:
    """The indented lines as fenced code; blank lines after them stay outside."""
    if not code:
        return
    size = max(number for number, line in enumerate(code, start=1) if line.strip())
    yield fence_code("\n".join(_ONE_INDENT.sub("", line, count=1) for line in code[:size]))
    yield from ("" for _ in code[size:])


def _escape_line(line: str) -> str:
    return _HEADING.sub(r"\1\\\2", _escape_inline(line), count=1) if _HEADING.match(line) else _escape_inline(line)


def _escape_inline(line: str) -> str:
    """`line` in which no HTML begins and each code span is whole, also if a `|` in it ends the cell of a table."""
    if not _MARK.search(line):
        return line
    closing = _pair_backticks(line)
    pieces: list[str] = []
    at = 0
    while mark := _MARK.search(line, at):
        pieces.append(line[at : mark.start()])
        at = closing.get(mark.start(), 0)
        span = line[mark.start() : at]
        if span and ("|" not in span or "<" not in line):
            pieces.append(span)
        elif mark[0].startswith("$"):
            is_formula = _COMMAND.search(mark[0]) is not None and "](" not in mark[0] and ";" not in mark[0]
            at = mark.end() if is_formula else mark.start() + 1
            pieces.append(line[mark.start() : at])
        else:
            at = mark.end()
            pieces.append("".join(f"\\{character}" for character in mark[0]))
    return "".join((*pieces, line[at:]))


def _pair_backticks(line: str) -> dict[int, int]:
    """For each run of backticks the end of the next run of the same length, if there is one."""
    closing: dict[int, int] = {}
    following: dict[int, int] = {}
    for run in reversed(list(_BACKTICKS.finditer(line))):
        length = run.end() - run.start()
        if length in following:
            closing[run.start()] = following[length]
        following[length] = run.end()
    return closing


def _dedent_paragraphs(text: str) -> str:
    """`text` with the first line of paragraphs moved to the margin, where Markdown would read it as code."""
    lines: list[str] = []
    for is_paragraph, block in groupby(text.split("\n"), key=lambda line: bool(line.strip())):
        first, *others = block
        if is_paragraph and _INDENT.match(first):
            all_indented = all(_INDENT.match(line) for line in others)
            if not all_indented or len(first) > _LONGEST_CODE_LINE:
                first = first.lstrip()
        lines.extend((first, *others))
    return "\n".join(lines)

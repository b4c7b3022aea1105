"""Text of other formats as Markdown: what looks like markup by chance must not act as such."""

import re
from itertools import groupby

from pipeline.contract import Document
from pipeline.formats import choose_format
from pipeline.markdown_text import rewrite_lines

_MARKUP = re.compile(r"`[^`]+`|^(\s*)(#{1,6}\s|=+$|-+$)|<(?=[A-Za-z/!?])")
_INDENT = re.compile(r"(?: {4}| {0,3}\t)\s*")
#: An indented line longer than this is the beginning of a paragraph, not code.
_LONGEST_CODE_LINE = 100


def escape_text(document: Document, text: str) -> str:
    """`text` of this document as Markdown: unchanged when it is Markdown, else escaped outside code."""
    chosen = choose_format("", document.name, document.mime_type)
    if chosen is None or chosen.name == "markdown":
        return text
    if chosen.name == "plain text":
        text = _dedent_paragraphs(text)
    return rewrite_lines(text, _escape_line)


def _escape_line(line: str) -> str:
    return line if _INDENT.match(line) else _MARKUP.sub(_escape_markup, line)


def _escape_markup(match: re.Match[str]) -> str:
    if match[0].startswith("`"):
        return match[0]
    return "\\<" if match[0] == "<" else f"{match[1]}\\{match[2]}"


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

"""Markdown: the body as written, its headings by a CommonMark parser."""

import re
from itertools import accumulate, pairwise

from markdown_it import MarkdownIt

from pipeline.contract import Heading
from pipeline.formats.content import Content
from pipeline.formats.encoding import decode_text

# Blocks only: inline markup is of no use here and costs most of the time. Nothing needs link definitions.
_BLOCKS = MarkdownIt("commonmark").disable(["inline", "text_join", "reference"])
_INLINE = MarkdownIt("commonmark")
_METADATA_LINE = re.compile(r"[\w.-]+[ \t]*:(?:[ \t].*)?|[ \t]+.*|- .*|#.*|")
_LONGEST_FRONT_MATTER = 200
_MARKUP = re.compile(r"[*_`\[\]<>\\&]")
_LONGEST_TITLE = 500


def read_markdown(data: bytes) -> Content:
    """The Markdown body as written, without front matter, and its headings outside code, quotes and lists."""
    return find_headings(_drop_front_matter(decode_text(data)))


def find_headings(text: str) -> Content:
    """`text` and the headings in it, both `# like this` and underlined."""
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    headings = []
    for opening, inline in pairwise(_BLOCKS.parse(text)):
        if opening.type == "heading_open" and opening.level == 0 and opening.map:
            title = _strip_markup(inline.content)
            if title:
                first = next(number for number in range(*opening.map) if lines[number].strip())  # past form feeds
                headings.append(Heading(int(opening.tag[1:]), title, starts[first]))
    return Content(text, tuple(headings))


def _drop_front_matter(text: str) -> str:
    """`text` without the block of `key: value` lines between `---` lines that some tools put on top."""
    lines = text.split("\n", _LONGEST_FRONT_MATTER)
    if lines[0].rstrip() != "---" or len(lines) < 3 or ":" not in lines[1]:
        return text
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() in {"---", "..."}:
            return "\n".join(lines[number + 1 :])
        if not _METADATA_LINE.fullmatch(line):
            break
    return text


def _strip_markup(title: str) -> str:
    if not _MARKUP.search(title):
        return " ".join(title.split())
    tokens = _INLINE.parseInline(title[:_LONGEST_TITLE])[0].children or []
    words = "".join(
        " " if token.type in {"softbreak", "hardbreak"} else token.content
        for token in tokens
        if token.type != "html_inline"
    )
    return " ".join(words.split())

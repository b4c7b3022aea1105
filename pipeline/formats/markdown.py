"""Markdown: the body as written but for its headings, which a CommonMark parser finds."""

import html
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
_METADATA = {
    "---": ({"---", "..."}, ":", _METADATA_LINE),
    "+++": ({"+++"}, "=", re.compile(r"[\w.-]+[ \t]*=.*|\[.*\]|[ \t]+.*|[\]}].*|#.*|")),
}
_LONGEST_FRONT_MATTER = 200
_TITLE = re.compile(r"""title[ \t]*[:=][ \t]*(?:"([^"]+)"|'([^']+)'|([^\s>|#"'][^\n]*))[ \t]*""")
_MARKUP = re.compile(r"[*_`\[\]<>\\&]")
_LONGEST_TITLE = 500
_HTML_HEADING = re.compile(r"<h([1-6])\b[^<>]*>((?:(?!<h[1-6]).)*?)</h\1\s*>", re.DOTALL | re.IGNORECASE)
_HTML_TAG = re.compile(r"<[^<>]*>")
#: Names for links to a heading, as several generators of sites have them.
_HEADING_NAME = re.compile(r"(?<![ \t])[ \t]+(?:\{[ \t]*[#.:][^{}\n]*\}|\[#[^\]\n]*\])(?=[ \t#]*$)", re.MULTILINE)


def read_markdown(data: bytes) -> Content:
    """The Markdown body and its headings outside code, quotes and lists.

    HTML headings become `#` lines, names for links to headings go, and the front matter's title becomes a heading if
    the body has none of the first level.
    """
    title, body = _split_front_matter(decode_text(data))
    content = find_headings(_write_headings(body))
    if title and not any(heading.level == 1 for heading in content.headings):
        return find_headings(f"# {title}\n\n{content.text}".rstrip())
    return content


def _write_headings(text: str) -> str:
    """`text` with the headings that are HTML as `#` lines, and without names in headings."""
    if not _HTML_HEADING.search(text) and not _HEADING_NAME.search(text):
        return text
    lines = text.split("\n")
    for token in _BLOCKS.parse(text):
        if token.map and token.level == 0 and token.type in {"heading_open", "html_block"}:
            first, end = token.map
            block = "\n".join(lines[first:end])
            written = (
                _HEADING_NAME.sub("", block)
                if token.type == "heading_open"
                else _HTML_HEADING.sub(_show_html_heading, block)
            )
            if written != block:  # as many lines as before, so that the other blocks stay where they are
                lines[first:end] = [written, *[""] * (end - first - 1)]
    return "\n".join(lines)


def _show_html_heading(found: re.Match[str]) -> str:
    title = " ".join(html.unescape(_HTML_TAG.sub("", found[2])).split())
    return f"\n\n{'#' * int(found[1])} {title}\n\n" if title else found[0]


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


def _split_front_matter(text: str) -> tuple[str, str]:
    """The title in the block of `key: value` lines between `---` lines that some tools put on top, and what follows.

    The title is "" if there is none. In the front matter between `+++` lines `=` stands for the colon.
    """
    lines = text.split("\n", _LONGEST_FRONT_MATTER)
    mark = lines[0].rstrip()
    if mark not in _METADATA or len(lines) < 3:
        return "", text
    ends, sign, metadata = _METADATA[mark]
    first = next((line for line in lines[1:] if line and not line.startswith("#")), "")
    if sign not in first:
        return "", text
    title = ""
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() in ends:
            return title, "\n".join(lines[number + 1 :])
        if not metadata.fullmatch(line):
            break
        if found := _TITLE.fullmatch(line):
            title = " ".join((found[1] or found[2] or found[3]).split())
    return "", text


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

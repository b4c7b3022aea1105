"""DOCX: Word's styles as headings, lists and tables; mammoth turns the package into HTML, which is then read as such.

Deleted revisions, comments, page heads and pictures are left out; text boxes, content controls and notes are read.
"""

import re
from xml.etree import ElementTree

import mammoth

from pipeline.formats.content import Content, Unreadable
from pipeline.formats.html import read_page
from pipeline.formats.package import Package, read_package

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DOCUMENT, _STYLES = "word/document.xml", "word/styles.xml"
_HEADING = re.compile(r"(?:heading|заголовок|überschrift|titre|título)\s*([1-9])", re.IGNORECASE)
_TITLE = re.compile(r"title|название|заглавие", re.IGNORECASE)
#: How the styles are called that stand for an outline level given to a paragraph directly.
_OWN_STYLE = "OutlineLevel"
_DEEPEST = 6
_NOTE_LINK = re.compile(r'<a href="#(?:foot|end)note-ref-\d+">[^<]*</a>')
_BOLD_LINE = re.compile(r"<p><strong>([^<]{3,100}[^<.,;:])</strong></p>")


def read_docx(data: bytes) -> Content:
    """The text of the document in its order, notes at its end.

    Headings are the paragraphs with an outline level: of their own, of their style or of one it is based on; and by the
    names of the styles, English or Russian. In a document without any, short paragraphs all in bold are headings.
    Raises Unreadable when the package is broken, encrypted or a bomb.
    """
    package = read_package(data)
    if _DOCUMENT not in package.parts:
        raise Unreadable("файл повреждён: в нём нет текста документа")
    styles = _find_styles(package)
    levels = _find_levels(styles, package.parts[_DOCUMENT])
    own = _mark_outlined_paragraphs(package, levels)
    rules = [f"p[style-name='{_quote(_name_of(styles[style]))}'] => h{level}:fresh" for style, level in levels.items()]
    result = mammoth.convert_to_html(
        package.pack(),
        style_map="\n".join([*rules, *(f"p.{style} => h{level}:fresh" for style, level in own.items())]),
        convert_image=lambda _: [],
    )
    page = _NOTE_LINK.sub("", result.value)
    if not re.search(r"<h[1-6]\b", page):
        page = _BOLD_LINE.sub(r"<h2>\1</h2>", page)
    return read_page(page)


def _find_styles(package: Package) -> dict[str, ElementTree.Element]:
    """The styles of paragraphs that have a name, by their ids."""
    if _STYLES not in package.parts:
        return {}
    found = ElementTree.fromstring(package.parts[_STYLES]).iter(f"{_W}style")  # noqa: S314 - no declarations
    styles = {style.get(f"{_W}styleId", ""): style for style in found if style.get(f"{_W}type") == "paragraph"}
    return {name: style for name, style in styles.items() if _name_of(style)}


def _find_levels(styles: dict[str, ElementTree.Element], document: bytes) -> dict[str, int]:
    """The level of heading per style that has one; below a title, the others are one deeper."""
    titles = [name for name, style in styles.items() if _TITLE.fullmatch(_name_of(style))]
    has_title = any(f'w:val="{title}"'.encode() in document for title in titles)
    levels = {name: level for name in styles if (level := _find_level(name, styles)) is not None}
    deeper = {name: min(level + has_title, _DEEPEST) for name, level in levels.items()}
    return deeper | dict.fromkeys(titles, 1)


def _find_level(name: str, styles: dict[str, ElementTree.Element]) -> int | None:
    """The level of a style, from 1: by its name or its outline level, or those of the styles it is based on."""
    seen: set[str] = set()
    while name in styles and name not in seen:
        seen.add(name)
        style = styles[name]
        named = _HEADING.fullmatch(_name_of(style))
        if named:
            return int(named[1])
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        if outline is not None:
            level = _read_level(outline)
            return level + 1 if level is not None else None
        base = style.find(f"{_W}basedOn")
        name = base.get(f"{_W}val", "") if base is not None else ""
    return None


def _mark_outlined_paragraphs(package: Package, levels: dict[str, int]) -> dict[str, int]:
    """Gives paragraphs with an outline level of their own a style that says so; returns the levels of these styles."""
    own: dict[str, int] = {}
    if b"outlineLvl" not in package.parts[_DOCUMENT]:
        return own
    root = ElementTree.fromstring(package.parts[_DOCUMENT])  # noqa: S314 - no declarations
    for properties in root.iter(f"{_W}pPr"):
        outline = properties.find(f"{_W}outlineLvl")
        level = _read_level(outline) if outline is not None else None
        if level is None:
            continue
        style = properties.find(f"{_W}pStyle")
        if style is None:
            style = ElementTree.Element(f"{_W}pStyle")
            properties.insert(0, style)
        if style.get(f"{_W}val") not in levels:
            name = _OWN_STYLE + "ABCDEFGHI"[level]
            style.set(f"{_W}val", name)
            own[name] = min(level + 1, _DEEPEST)
    package.parts[_DOCUMENT] = ElementTree.tostring(root, "utf-8")
    return own


def _name_of(style: ElementTree.Element) -> str:
    name = style.find(f"{_W}name")
    return name.get(f"{_W}val", "").strip() if name is not None else ""


def _read_level(outline: ElementTree.Element) -> int | None:
    """The outline level from 0 to 8; None for 9, which means body text."""
    value = outline.get(f"{_W}val", "")
    return int(value) if value in set("012345678") else None


def _quote(name: str) -> str:
    """The name of a style as it stands between quotes in a style map."""
    return name.replace("\\", "\\\\").replace("'", "\\'")

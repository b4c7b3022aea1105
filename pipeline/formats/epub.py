"""EPUB: the pages of the book in the order of its spine, each read as HTML."""

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.html import read_html
from pipeline.formats.office.package import DC, Element, Package, parse_xml, read_package
from pipeline.formats.office.properties import with_title

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF = "{http://www.idpf.org/2007/opf}"
_NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
#: A document type that declares nothing itself.
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*>")
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/xml", "text/x-oeb1-document"})


def read_epub(data: bytes) -> Content:
    """The text of the book; a page without a heading has the name that the table of contents gives it.

    Raises Unreadable when the package is broken, a bomb, or protected against copying.
    """
    package = read_package(data, is_book=True)
    root, folder = _find_book(package)
    if any(page.encode() in package.parts.get("META-INF/encryption.xml", b"") for page in (".xhtml", ".html", ".htm")):
        raise Unreadable("книга защищена от копирования")
    names = _read_names(package, root, folder)
    blocks = Blocks()
    for part in _find_pages(root, folder):
        name = package.find(part)
        if name is not None:
            page = read_html(package.parts[name])
            if not page.headings and page.text.strip() and part in names:
                blocks.add_heading(1, names[part])
            blocks.add_content(page)
    title = root.find(f".//{DC}title")
    return with_title(blocks.finish(), (title.text or "") if title is not None else "")


def _find_book(package: Package) -> tuple[Element, str]:
    """The root of the part that describes the book, and its folder."""
    container = package.parse("META-INF/container.xml")
    found = container.find(f".//{_CONTAINER}rootfile") if container is not None else None
    path = unquote(found.get("full-path", "")) if found is not None else ""
    root = package.parse(path) if path else None
    if root is None:
        raise Unreadable("файл повреждён: в нём нет описания книги")
    return root, posixpath.dirname(path)


def _find_pages(root: Element, folder: str) -> Iterator[str]:
    """The parts of the pages in the order in which they are read, without the table of contents."""
    manifest = {item.get("id", ""): item for item in root.iter(f"{_OPF}item")}
    for entry in root.iter(f"{_OPF}itemref"):
        item = manifest.get(entry.get("idref", ""))
        if item is not None and item.get("media-type") in _PAGES and "nav" not in item.get("properties", "").split():
            yield _join(folder, item.get("href", ""))


def _read_names(package: Package, root: Element, folder: str) -> dict[str, str]:
    """The names of the pages in the old kind of table of contents, by their parts."""
    names: dict[str, str] = {}
    for item in root.iter(f"{_OPF}item"):
        part = _join(folder, item.get("href", ""))
        name = package.find(part) if item.get("media-type") == "application/x-dtbncx+xml" else None
        if name is None:
            continue
        try:
            contents = parse_xml(_DOCTYPE.sub(b"", package.parts[name], count=1))
        except Unreadable:  # the pages can be read without
            continue
        for point in contents.iter(f"{_NCX}navPoint"):
            label, target = point.find(f"{_NCX}navLabel/{_NCX}text"), point.find(f"{_NCX}content")
            if label is not None and target is not None:
                names.setdefault(_join(posixpath.dirname(part), target.get("src", "")), label.text or "")
    return names


def _join(folder: str, target: str) -> str:
    """The part that a link in this folder leads to."""
    return posixpath.normpath(posixpath.join("/", folder, unquote(target.partition("#")[0]))).lstrip("/")

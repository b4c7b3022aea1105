"""The title that a document gives itself in its properties."""

import re
from dataclasses import replace

from pipeline.contract import Heading
from pipeline.formats.content import Content
from pipeline.formats.office.package import Package

_DC = "{http://purl.org/dc/elements/1.1/}"
_PARTS = ("docProps/core.xml", "meta.xml")
#: What programs put there, and names of files.
_NO_TITLE = re.compile(
    r"(?:powerpoint presentation|презентация powerpoint|слайд \d+|slide \d+|microsoft word|документ microsoft"
    r"|(?:untitled|без (?:названия|имени)|новый документ|document|документ|title|заголовок|normal|word document)\s*\d*)"
    r".{0,20}|.*\.(?:docx?|pptx?|odt|odp|rtf|dotx?|potx?)|\W*",
    re.IGNORECASE,
)
_LONGEST = 200


def titled(content: Content, package: Package) -> Content:
    """The content with the title of the properties; it is the heading of a text without any."""
    return with_title(content, _find_title(package))


def with_title(content: Content, title: str) -> Content:
    """The content with this title, unless it says nothing; it is the heading of a text without any."""
    title = " ".join(title.split())
    if _NO_TITLE.fullmatch(title) or len(title) > _LONGEST:
        return content
    if content.headings or not content.text.strip():
        return replace(content, title=title)
    return Content(f"# {title}\n\n{content.text}", (Heading(1, title, 0),), title)


def _find_title(package: Package) -> str:
    related = package.find_related("", "core-properties")
    for part in filter(None, (related, *_PARTS)):
        root = package.parse(part)
        found = root.find(f".//{_DC}title") if root is not None else None
        if found is not None and found.text:
            return found.text
    return ""

"""The title that a document gives itself in its properties."""

import re
from dataclasses import replace

from pipeline.contract import Heading
from pipeline.formats.content import Content
from pipeline.formats.office.package import DC, Package

_PARTS = ("docProps/core.xml", "meta.xml")
#: What programs put there, and names of files.
_NO_TITLE = re.compile(
    r"powerpoint[ -](?:presentation|präsentation|presentatie|演示文稿|簡報|プレゼンテーション)"
    r"|(?:présentation|презентация|presentación de|apresentação do) powerpoint"
    r"|(?:слайд|slide|diapositive|folie|bild) \d+|(?:microsoft word|документ microsoft).{0,20}"
    r"|(?:untitled|без (?:названия|имени)|новый документ|word document|document|документ|presentation|презентация"
    r"|title|заголовок|normal)\s*\d*"
    r"|.*\.(?:docx?|pptx?|odt|odp|rtf|dotx?|potx?)|\W*",
    re.IGNORECASE,
)
_LONGEST = 200


def titled(content: Content, package: Package) -> Content:
    """The content with the title of the properties; it is the heading of a text without any."""
    return with_title(content, _find_title(package))


def with_title(content: Content, title: str) -> Content:
    """The content with this title, which is also the heading of a text without any.

    It stays without when the title says nothing, and when the text begins with a title of its own: copies of a file
    keep the title of the first one in their properties.
    """
    title = " ".join(title.split())
    if _NO_TITLE.fullmatch(title) or len(title) > _LONGEST or not content.text.strip() or _names_itself(content):
        return content
    if content.headings:
        return replace(content, title=title)
    return Content(f"# {title}\n\n{content.text}", (Heading(1, title, 0),), title)


def _names_itself(content: Content) -> bool:
    """Whether the one heading of the first level begins the text."""
    first = [heading.start for heading in content.headings if heading.level == 1]
    return first == [0]


def _find_title(package: Package) -> str:
    related = package.find_related("", "core-properties")
    for part in filter(None, (related, *_PARTS)):
        root = package.parse(part)
        found = root.find(f".//{DC}title") if root is not None else None
        if found is not None and found.text:
            return found.text
    return ""

"""The title that a document gives itself in its properties."""

from dataclasses import replace

from pipeline.contract import Heading
from pipeline.formats.content import Content
from pipeline.formats.office.package import DC, Package
from pipeline.formats.placeholders import is_placeholder

_PARTS = ("docProps/core.xml", "meta.xml")
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
    if is_placeholder(title) or len(title) > _LONGEST or not content.text.strip() or _names_itself(content):
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

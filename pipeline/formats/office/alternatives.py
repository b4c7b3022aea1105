"""Content that a file holds in several forms, for programs of different ages."""

from pipeline.formats.office.package import Element

ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_CHOICE = ALTERNATIVES.replace("AlternateContent", "Choice")
_FALLBACK = ALTERNATIVES.replace("AlternateContent", "Fallback")
#: Charts and diagrams have their texts in parts of their own.
_REFERENCES = frozenset({"chart", "relIds"})


def choose_alternative(element: Element) -> Element:
    """The first choice of an AlternateContent that shows anything, else its fallback."""
    fallback = element.find(_FALLBACK)
    for choice in element.findall(_CHOICE):
        if fallback is None or any(map(_shows, choice.iter())):
            return choice
    return fallback if fallback is not None else element


def _shows(element: Element) -> bool:
    name = element.tag.rpartition("}")[2]
    return bool(element.text and element.text.strip()) if name == "t" else name in _REFERENCES

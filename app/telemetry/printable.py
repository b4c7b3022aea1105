"""Text that users wrote, made harmless for terminals, which would obey its control characters."""

import json


def inert(text: str, keep: str = "\n\t") -> str:
    """The text with a blank for each character that does not print: escapes, C1 codes, changes of direction."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character in keep else " " for character in text)


def inert_json(text: str) -> str:
    """The same JSON, such characters escaped in its strings."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)

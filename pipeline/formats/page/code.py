"""Preformatted text with its lines."""

from selectolax.lexbor import LexborNode

from pipeline.formats.page.furniture import is_furniture, is_hidden

_LINES = frozenset({"div", "p", "li", "tr", "br"})


def read_code(node: LexborNode) -> str:
    """The text in `node`, in which `br` and the ends of blocks end lines; without line numbers."""
    pieces: list[str] = []
    at: LexborNode | None = node.first_child
    while at is not None:
        tag = at.tag or ""
        if tag == "-text":
            pieces.append(at.text_content or "")
        elif (
            not is_hidden(tag, at.attributes)
            and not is_furniture(at, tag, at.attributes)
            and at.first_child is not None
        ):
            at = at.first_child
            continue
        elif tag == "br":
            pieces.append("\n")
        while at is not None and at.next is None:
            at = at.parent
            if at is None or at.mem_id == node.mem_id:
                return "".join(pieces)
            _end_line(at.tag or "", pieces)
        at = at.next if at is not None else None
    return "".join(pieces)


def _end_line(tag: str, pieces: list[str]) -> None:
    if tag in _LINES and pieces and not pieces[-1].endswith("\n"):
        pieces.append("\n")

"""The styles of a Word document: which are headings, code or contents, and how their text looks."""

from pipeline.formats.office.model import Look
from pipeline.formats.office.package import Element
from pipeline.formats.office.style_names import find_level, is_code, is_contents, is_title
from pipeline.formats.office.word.names import VAL, W, is_on, number_of, value_of

_SCRIPTS = {"superscript": 1, "subscript": -1}


def change_look(look: Look, properties: Element | None) -> Look:
    """`look` with what the properties of a run or of a style say."""
    if properties is None:
        return look
    bold, hidden = is_on(properties, "b"), is_on(properties, "vanish")
    fonts = properties.find(f"{W}rFonts")
    font = fonts.get(f"{W}ascii") or fonts.get(f"{W}hAnsi") if fonts is not None else None
    script = value_of(properties, "vertAlign")
    return Look(
        is_bold=look.is_bold if bold is None else bold,
        is_hidden=look.is_hidden if hidden is None else hidden,
        font=look.font if font is None else font,
        script=look.script if script is None else _SCRIPTS.get(script, 0),
    )


class Styles:
    """The styles by their ids. A style without a type counts as one, and one that is not there by its id alone."""

    def __init__(self, root: Element | None, used: set[str]) -> None:
        """`used` are the ids of the styles that paragraphs have."""
        self._styles: dict[str, Element] = {}
        self._default = ""
        self._looks: dict[str, Look] = {}
        self._levels: dict[str, int | None] = {}
        for style in root.iter(f"{W}style") if root is not None else ():
            name = style.get(f"{W}styleId", "")
            self._styles.setdefault(name, style)
            if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in {"1", "true", "on"}:
                self._default = name
        self._has_title = any(is_title(self._name(style)) for style in used)

    def find_level(self, style: str) -> int | None:
        """The level of heading, from 1: by the name or the outline level of the style or of one it is based on.

        Below a title, the others are one deeper.
        """
        if style not in self._levels:
            self._levels[style] = self._find_level(style)
        return self._levels[style]

    def find_look(self, style: str) -> Look:
        """How text of this style looks; that of the default style without one."""
        style = style or self._default
        if style not in self._looks:
            look = Look()
            for name in reversed(self._chain(style)):
                look = change_look(look, self._styles[name].find(f"{W}rPr"))
            self._looks[style] = look
        return self._looks[style]

    def find_numbering(self, style: str) -> tuple[str | None, int | None]:
        """The list that paragraphs of this style belong to, and their depth in it."""
        for name in self._chain(style or self._default):
            properties = self._styles[name].find(f"{W}pPr/{W}numPr")
            if properties is not None:
                return value_of(properties, "numId"), number_of(properties, "ilvl")
        return None, None

    def find_list(self, style: str) -> str | None:
        """The list that a style of lists stands for."""
        return value_of(self._styles.get(style), "pPr/numPr/numId")

    def is_contents(self, style: str) -> bool:
        return any(is_contents(self._name(name)) for name in self._chain(style) or [style])

    def is_code(self, style: str) -> bool:
        return any(is_code(self._name(name)) for name in self._chain(style) or [style])

    def _find_level(self, style: str) -> int | None:
        for name in self._chain(style) or [style]:
            if is_title(self._name(name)):
                return 1 if name == style else None
            level = find_level(self._name(name)) or _outline_level(self._styles.get(name))
            if level is not None:
                return level + self._has_title if level <= 9 else None
        return None

    def _chain(self, style: str) -> list[str]:
        """The style and those it is based on, as far as they are there."""
        chain: list[str] = []
        while style in self._styles and style not in chain:
            chain.append(style)
            style = value_of(self._styles[style], "basedOn") or ""
        return chain

    def _name(self, style: str) -> str:
        return (value_of(self._styles.get(style), "name") or style).strip()


def _outline_level(style: Element | None) -> int | None:
    level = number_of(style, "pPr/outlineLvl")
    return level + 1 if level is not None else None


def find_used_styles(root: Element) -> set[str]:
    """The ids of the styles of paragraphs."""
    return {style.get(VAL, "") for style in root.iter(f"{W}pStyle")}

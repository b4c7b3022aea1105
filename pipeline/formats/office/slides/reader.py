"""PPTX: a heading per slide, its texts in the order of the slide, tables, formulas, and the speaker's notes."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.office.composition import compose
from pipeline.formats.office.graphics import read_graphics
from pipeline.formats.office.model import Block, Paragraph, Piece
from pipeline.formats.office.package import A, Element, Package, R, read_package, refuse_deep_nesting
from pipeline.formats.office.properties import titled
from pipeline.formats.office.slides.places import order
from pipeline.formats.office.slides.shapes import REPEATED, TITLES, P, Shape, ShapeReader, read_size
from pipeline.formats.office.slides.texts import find_size, read_table, read_text, read_texts
from pipeline.formats.placeholders import show_alternative_text

_USUAL = "ppt/presentation.xml"
_LISTS = frozenset({"body", "obj"})
#: A box is a title if it is no longer than this, and begins in this part of the slide.
_LONGEST_TITLE, _TITLE_WITHIN = 100, 0.4
#: What stands below this part of so many slides, at the same place to 2 mm, belongs to the deck.
_FOOT_FROM, _FEWEST_FEET, _SAME_PLACE = 0.85, 3, 72_000
_SLIDE_NUMBER = re.compile(r"\W*\d{1,3}\W*(?:(?:/|из|of)?\s*\d{1,3})?")
_Foot = tuple[str, int, int]


def read_pptx(data: bytes) -> Content:
    """The slides in order, hidden ones too: title, texts and tables as people read them, notes.

    A slide without a title has the short box at its top as one. The centred title of a first slide is of the first
    level, every other title of the second; one above nothing but pictures is text, unless on a cover. Slide numbers,
    dates and footers are dropped; a line that stands at the foot of most slides is read once. Raises Unreadable when
    the package is broken, encrypted or a bomb.
    """
    package = read_package(data)
    main = package.find_related("", "officeDocument") or _USUAL
    presentation = package.parse(main)
    if presentation is None or presentation.tag != f"{P}presentation":
        raise Unreadable("файл повреждён: в нём нет слайдов")
    with refuse_deep_nesting():
        return _Deck(package, main, presentation).read()


class _Deck:
    def __init__(self, package: Package, main: str, presentation: Element) -> None:
        self._package = package
        self._shapes = ShapeReader(package)
        self._parts = list(_find_slides(package, main, presentation))
        self._width, self._height = read_size(presentation)
        #: How often each line stands at its place at the foot of slides.
        self._feet = Counter(foot for part in self._parts for foot in self._find_feet(part))
        self._known: set[_Foot] = set()

    def read(self) -> Content:
        blocks = Blocks()
        for number, part in enumerate(self._parts, start=1):
            slide = self._package.parse(part)
            if slide is None:
                continue
            shapes = self._order(self._shapes.read(part, slide))
            title = self._find_title(shapes)
            found = [block for shape in shapes if shape is not title for block in self._read_shape(part, shape)]
            found.extend(self._read_notes(part))
            text = read_text(title.texts) if title is not None else ""
            is_cover = title is not None and title.kind == "ctrTitle"
            if is_cover or number == 1 or not _is_picture_only(shapes, found):
                blocks.add_heading(1 if is_cover and number == 1 else 2, text)
            else:
                blocks.add(text)
            compose(found, blocks, has_tight_lists=True)
        return titled(blocks.finish(), self._package)

    def _order(self, shapes: list[Shape]) -> list[Shape]:
        shown = [shape for shape in shapes if shape.kind not in REPEATED and not self._is_repeated(shape)]
        return [shown[at] for at in order([shape.place for shape in shown])]

    def _find_feet(self, part: str) -> set[_Foot]:
        slide = self._package.parse(part)
        shapes = self._shapes.read(part, slide) if slide is not None else []
        return {foot for shape in shapes if (foot := self._read_foot(shape))}

    def _read_foot(self, shape: Shape) -> _Foot | None:
        """What a text box at the foot of the slide says and where; the numbers of slides are all the same."""
        if shape.kind is not None or shape.place.top < self._height * _FOOT_FROM:
            return None
        text = read_text(shape.texts)
        place = round(shape.place.left / _SAME_PLACE), round(shape.place.top / _SAME_PLACE)
        return ("#" if _SLIDE_NUMBER.fullmatch(text) else text, *place) if text else None

    def _is_repeated(self, shape: Shape) -> bool:
        """True for a number that most slides have at this place, and for a line that they have, after the first."""
        foot = self._read_foot(shape)
        if foot is None or self._feet[foot] < max(_FEWEST_FEET, len(self._parts) / 2):
            return False
        is_first = foot not in self._known
        self._known.add(foot)
        return foot[0] == "#" or not is_first

    def _find_title(self, shapes: Sequence[Shape]) -> Shape | None:
        """The shape that holds the title, else the first of all that has text, if it looks like one."""
        with_text = [shape for shape in shapes if read_text(shape.texts)]
        named = next((shape for shape in with_text if shape.kind in TITLES), None)
        if named is not None or not with_text:
            return named
        first, others = with_text[0], with_text[1:]
        text, size = read_text(first.texts), find_size(first.texts)
        is_title = (
            first.kind is None
            and (first.is_text_box or first.place.width > self._width / 2)
            and len(text) <= _LONGEST_TITLE
            and not text.startswith("$")
            and sum(bool(read_text([paragraph])) for paragraph in first.texts) == 1
            and first.place.top + first.place.height / 2 < self._height * _TITLE_WITHIN
            and all(shape.place.top > first.place.top for shape in others)
            and (not size or all(find_size(shape.texts) <= size for shape in others))
        )
        return first if is_title else None

    def _read_shape(self, part: str, shape: Shape) -> Iterator[Block]:
        alt_text = show_alternative_text(shape.alt_text)
        if alt_text:
            yield Paragraph([Piece(alt_text)])
        table = next(shape.element.iter(f"{A}tbl"), None)
        if table is not None:
            yield read_table(table)
        elif shape.element.tag == f"{P}graphicFrame":
            yield from read_graphics(self._package, part, shape.element)
        else:
            yield from read_texts(shape.texts, is_list=shape.kind in _LISTS)

    def _read_notes(self, part: str) -> Iterator[Block]:
        name = self._package.find_related(part, "notesSlide")
        root = self._package.parse(name) if name else None
        if name and root is not None:
            for shape in self._shapes.read(name, root):
                if shape.kind == "body":
                    yield from read_texts(shape.texts, is_list=False)


def _find_slides(package: Package, main: str, presentation: Element) -> Iterator[str]:
    """The parts of the slides in their order."""
    related = package.find_relationships(main)
    for entry in presentation.iter(f"{P}sldId"):
        _, target = related.get(entry.get(f"{R}id", ""), ("", ""))
        if target:
            yield target


def _is_picture_only(shapes: Sequence[Shape], found: Sequence[Block]) -> bool:
    """Whether nothing is to be read beside the pictures."""
    has_picture = any(shape.element.tag == f"{P}pic" for shape in shapes)
    return has_picture and all(isinstance(block, Paragraph) and block.is_blank for block in found)

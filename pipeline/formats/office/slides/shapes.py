"""The shapes of a slide: what they are and where they stand, those in groups too."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.formats.office.alternatives import ALTERNATIVES, choose_alternative
from pipeline.formats.office.package import A, Element, Package
from pipeline.formats.office.slides.places import Place

P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
TITLES = frozenset({"title", "ctrTitle"})
#: What stands on every slide.
REPEATED = frozenset({"sldNum", "dt", "ftr", "hdr"})
_USUAL_SIZE = 9_144_000, 6_858_000
_SAME_AS = {"ctrTitle": "title", "subTitle": "body", "obj": "body", "tbl": "body", "chart": "body", "dgm": "body"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape; `kind` is that of its placeholder, None without one."""

    element: Element
    kind: str | None
    place: Place

    @property
    def texts(self) -> list[Element]:
        """Its paragraphs."""
        body = self.element.find(f"{P}txBody")
        return body.findall(f"{A}p") if body is not None else []

    @property
    def is_text_box(self) -> bool:
        properties = self.element.find(f"{P}nvSpPr/{P}cNvSpPr")
        return properties is not None and properties.get("txBox") in {"1", "true"}

    @property
    def alt_text(self) -> str:
        described = next((found for found in self.element.iter(f"{P}cNvPr")), None)
        return described.get("descr", "") if described is not None else ""


class ShapeReader:
    """Reads the shapes of slides; places that a slide does not give are those of its layout, else of its master."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._templates: dict[str, list[Element]] = {}

    def read(self, part: str, slide: Element) -> list[Shape]:
        tree = slide.find(f"{P}cSld/{P}spTree")
        if tree is None:
            return []
        layout = self._package.find_related(part, "slideLayout")
        master = self._package.find_related(layout, "slideMaster") if layout else None
        templates = [self._read_template(name) for name in (layout, master) if name]
        return list(_walk(tree, templates, (1, 1, 0, 0)))

    def _read_template(self, part: str) -> list[Element]:
        if part not in self._templates:
            root = self._package.parse(part)
            self._templates[part] = list(root.iter(f"{P}sp")) if root is not None else []
        return self._templates[part]


_Scale = tuple[float, float, float, float]


def _walk(holder: Element, templates: list[list[Element]], scale: _Scale) -> Iterator[Shape]:
    for child in holder:
        if child.tag == ALTERNATIVES:
            yield from _walk(choose_alternative(child), templates, scale)
        elif child.tag == f"{P}grpSp":
            yield from _walk(child, templates, _scale_group(child, scale))
        elif child.tag in {f"{P}sp", f"{P}graphicFrame", f"{P}pic", f"{P}cxnSp"}:
            placeholder = _find_placeholder(child)
            kind = placeholder.get("type", "obj") if placeholder is not None else None
            place = _find_place(child)
            if place is None and placeholder is not None:
                place = _inherit_place(placeholder, templates)
            yield Shape(child, kind, _move(place or Place(), scale))


def _find_placeholder(shape: Element) -> Element | None:
    return next(shape.iter(f"{P}ph"), None)


def _find_place(shape: Element) -> Place | None:
    for path in (f"{P}spPr/{A}xfrm", f"{P}xfrm", f"{P}grpSpPr/{A}xfrm"):
        place = _read_place(shape.find(path), "off", "ext")
        if place is not None:
            return place
    return None


def _read_place(frame: Element | None, offset: str, extent: str) -> Place | None:
    at = frame.find(f"{A}{offset}") if frame is not None else None
    size = frame.find(f"{A}{extent}") if frame is not None else None
    if at is None:
        return None
    width, height = (_number(size, "cx"), _number(size, "cy")) if size is not None else (0, 0)
    return Place(_number(at, "x"), _number(at, "y"), width, height)


def read_size(presentation: Element) -> tuple[int, int]:
    """The width and height of the slides."""
    size = presentation.find(f"{P}sldSz")
    width, height = (_number(size, "cx"), _number(size, "cy")) if size is not None else (0, 0)
    return width or _USUAL_SIZE[0], height or _USUAL_SIZE[1]


def _number(element: Element, name: str) -> int:
    value = element.get(name, "")
    return int(value) if value.lstrip("-").isdecimal() and len(value) < 20 else 0


def _inherit_place(placeholder: Element, templates: list[list[Element]]) -> Place | None:
    """The place of the placeholder with the same number in the layout, else of one of the same kind."""
    number, kind = placeholder.get("idx", "0"), placeholder.get("type", "obj")
    for shapes in templates:
        found = [(shape, own) for shape in shapes if (own := _find_placeholder(shape)) is not None]
        same = [shape for shape, own in found if own.get("idx", "0") == number]
        same += [shape for shape, own in found if _same_kind(own.get("type", "obj")) == _same_kind(kind)]
        place = next(filter(None, map(_find_place, same)), None)
        if place is not None:
            return place
    return None


def _same_kind(kind: str) -> str:
    return _SAME_AS.get(kind, kind)


def _scale_group(group: Element, scale: _Scale) -> _Scale:
    """How the places in the group become those on the slide."""
    frame = group.find(f"{P}grpSpPr/{A}xfrm")
    outer, inner = _read_place(frame, "off", "ext"), _read_place(frame, "chOff", "chExt")
    if outer is None or inner is None:
        return scale
    outer = _move(outer, scale)
    across = outer.width / inner.width if inner.width else 1
    down = outer.height / inner.height if inner.height else 1
    return across, down, outer.left - inner.left * across, outer.top - inner.top * down


def _move(place: Place, scale: _Scale) -> Place:
    across, down, left, top = scale
    return Place(place.left * across + left, place.top * down + top, place.width * across, place.height * down)

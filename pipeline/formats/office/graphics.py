"""The texts of charts and of SmartArt."""

from pipeline.formats.office.model import Block, Cell, Paragraph, Piece, Table
from pipeline.formats.office.numerals import write_mark
from pipeline.formats.office.package import A, Element, Package, R

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
#: A chart with more values is a picture, not a table.
_MOST_VALUES = 60


def read_graphics(package: Package, source: str, element: Element) -> list[Block]:
    """The charts and diagrams below an element of the part `source`."""
    related = {f"{C}chart": f"{R}id", f"{_DGM}relIds": f"{R}dm"}
    found: list[Block] = []
    for reference in element.iter():
        attribute = related.get(reference.tag)
        if attribute is None:
            continue
        _, target = package.find_relationships(source).get(reference.get(attribute, ""), ("", ""))
        root = package.parse(target)
        if root is not None:
            found.extend(_read_chart(root) if reference.tag == f"{C}chart" else _read_diagram(root))
    return found


def _read_chart(root: Element) -> list[Block]:
    """Its titles, and its values as a table: a row a category, a column a series."""
    found: list[Block] = [
        _paragraph(text)
        for title in root.iter(f"{C}title")
        if (text := "".join(t.text or "" for t in title.iter(f"{A}t")))
    ]
    series = list(root.iter(f"{C}ser"))
    names = [" ".join(value.text or "" for value in one.findall(f"{C}tx//{C}v")) for one in series]
    categories = next((values for one in series if (values := _values(one, "cat") or _values(one, "xVal"))), {})
    columns = [_values(one, "val") or _values(one, "yVal") for one in series]
    if categories and len(categories) * len(columns) <= _MOST_VALUES:
        head = ["", *names]
        rows = [[text, *(column.get(at, "") for column in columns)] for at, text in categories.items()]
        found.append(Table([[Cell([_paragraph(text)]) for text in row] for row in (head, *rows)]))
    else:
        found.extend(_paragraph(text) for text in (*names, ", ".join(categories.values())) if len(text) < 1000)
    return found


def _values(series: Element, kind: str) -> dict[str, str]:
    """The values that the chart keeps of its sheet, by their places."""
    found = (
        (point.get("idx", ""), value.text)
        for holder in series.findall(f"{C}{kind}")
        for point in holder.iter(f"{C}pt")
        if (value := point.find(f"{C}v")) is not None and value.text
    )
    return {at: _round(text) for at, text in found}


def _round(text: str) -> str:
    """A number as people write it: sheets keep 17 digits of it."""
    try:
        return f"{float(text):.6g}" if len(text) > 8 else text
    except ValueError:
        return text


def _read_diagram(root: Element) -> list[Block]:
    """The texts of its points as a list, those below others indented."""
    texts = {
        point.get("modelId", ""): " ".join("".join(t.text or "" for t in point.iter(f"{A}t")).split())
        for point in root.iter(f"{_DGM}pt")
        if point.get("type", "node") in {"node", "asst", "doc"}
    }
    links = sorted(
        (
            int(place) if (place := link.get("srcOrd", "")).isdecimal() else 0,
            link.get("srcId", ""),
            link.get("destId", ""),
        )
        for link in root.iter(f"{_DGM}cxn")
        if link.get("type", "parOf") == "parOf"
    )
    below: dict[str, list[str]] = {}
    for _, parent, child in links:
        if child in texts:
            below.setdefault(parent, []).append(child)
    children = {child for under in below.values() for child in under}
    found: list[Block] = []
    seen: set[str] = set()
    pending = [(0, name) for name in reversed(texts) if name not in children]
    while pending:
        depth, name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        text = texts[name]
        if text:
            found.append(Paragraph([Piece(text)], mark=write_mark(depth)))
        pending.extend((depth + bool(text), child) for child in reversed(below.get(name, [])))
    return found


def _paragraph(text: str) -> Paragraph:
    return Paragraph([Piece(text)])

"""Draws the figures in SVG: rates beside each other, and figures with targets as multiples of these."""

import math
from collections.abc import Iterator
from html import escape

from bench.reporting.figures import Figure, Section, Verdict

WIDTH, LABELS, LINE, BAR = 900, 330, 22, 12
MARGIN, END = 16, 110
COLOURS = {Verdict.MISSED: "#c0392b", Verdict.MET: "#7fb069", Verdict.REACHED: "#2e7d32"}
RATES = "#3b6ea5"
INK = "#24292f"

#: Bars of figures that are further from their target end here.
FURTHEST = 10.0


def draw(sections: list[Section]) -> str:
    """The SVG document. A bar's thin line goes from the least to the greatest of its rounds."""
    compared = [rates for section in sections if len(rates := _rates_of(section)) > 1]
    aimed = [figure for section in sections for figure in section.figures if figure.target is not None]
    top = MARGIN + LINE
    parts = [_title("A second: medians over the rounds, each group on a scale of its own", MARGIN + 6)]
    for rates in compared:
        parts += _rates(rates, top)
        top += LINE * len(rates) + LINE // 2
    top += 2 * LINE
    title = "Times better than it must be (line: what it must be; tick: what it reaches for)"
    parts += [_title(title, top - LINE + 6), *_aimed(aimed, top)]
    height = top + LINE * len(aimed) + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="system-ui, sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _rates_of(section: Section) -> list[Figure]:
    return [figure for figure in section.figures if figure.unit == "/s" and figure.rounds]


def _rates(figures: list[Figure], top: int) -> Iterator[str]:
    scale = (WIDTH - LABELS - END) / max(max(figure.rounds) for figure in figures)
    for line, figure in enumerate(figures):
        y = top + line * LINE
        least, greatest = min(figure.rounds), max(figure.rounds)
        yield _label(figure.name, y)
        yield _bar(LABELS, y, figure.value * scale, RATES)
        yield _line(LABELS + least * scale, LABELS + greatest * scale, y + BAR / 2, y + BAR / 2)
        yield _text(WIDTH - END + 8, y, figure.shown())


def _aimed(figures: list[Figure], top: int) -> Iterator[str]:
    centre = LABELS + (WIDTH - LABELS - END) / 2
    scale = (WIDTH - LABELS - END) / 2 / math.log(FURTHEST)
    for line, figure in enumerate(figures):
        assert figure.target is not None
        y = top + line * LINE
        length = math.log(_times_better(figure, figure.value)) * scale
        yield _label(figure.name, y)
        yield _bar(centre + min(0.0, length), y, abs(length), COLOURS[figure.target.verdict(figure.value)])
        if figure.target.reach is not None:
            reach = centre + math.log(_times_better(figure, figure.target.reach)) * scale
            yield _line(reach, reach, y - 3, y + BAR + 3)
        yield _text(WIDTH - END + 8, y, figure.shown())
    yield _line(centre, centre, top - 4, top + LINE * len(figures) - 4)


def _times_better(figure: Figure, value: float) -> float:
    assert figure.target is not None
    must = figure.target.must
    better, worse = (value, must) if figure.target.at_least else (must, value)
    return min(FURTHEST, max(1 / FURTHEST, better / worse if worse > 0 else FURTHEST))


def _title(text: str, y: int) -> str:
    return f'<text x="{MARGIN}" y="{y}" font-weight="bold" fill="{INK}">{escape(text)}</text>'


def _label(text: str, y: int) -> str:
    return f'<text x="{LABELS - 8}" y="{y + BAR - 2}" text-anchor="end" fill="{INK}">{escape(text)}</text>'


def _text(x: float, y: int, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y + BAR - 2}" fill="{INK}">{escape(text)}</text>'


def _bar(x: float, y: int, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>'


def _line(x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{INK}"/>'

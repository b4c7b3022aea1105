"""Shows figures as tables: in the terminal, and with a plot in `docs/benchmarks.md`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.reporting import capacity, plot
from bench.reporting.figures import Figure, Section, Verdict, digits

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "benchmarks.md"
PLOT = DOCS / "benchmarks.svg"
SCALING = DOCS / "scaling.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"

COLOURS = {Verdict.MISSED: "red", Verdict.MET: "green", Verdict.REACHED: "bold green"}


def show(console: Console, sections: list[Section]) -> None:
    """Prints a table of all figures, the grids, and a table of the targets."""
    table = Table("", "figure", "over the rounds")
    table.columns[0].no_wrap = True
    for section in (section for section in sections if section.grid is None):
        table.add_section()
        table.add_row(f"[bold]{section.title}[/bold]")
        for figure in section.figures:
            table.add_row(f"  {figure.name}", figure.shown(), _spread(figure))
    if table.row_count:
        console.print(table)
    for grid in (section.grid for section in sections if section.grid is not None):
        compared = Table(*grid.columns)
        compared.columns[0].no_wrap = compared.columns[-1].no_wrap = True
        for line in grid.lines:
            compared.add_row(*line)
        console.print(compared)
    targets = Table("", "figure", "must be", "reaches for", "")
    targets.columns[0].no_wrap = True
    for *cells, verdict in _aimed(sections):
        targets.add_row(*cells, f"[{COLOURS[verdict]}]{verdict.value}[/]")
    if targets.row_count:
        console.print(targets)


def write(sections: list[Section], facts: dict[str, str], command: str) -> list[Path]:
    """Writes the figures into `docs/benchmarks.md` and `docs/scaling.md`, and the plot. Returns the files."""
    _replace(PAGE, _markdown(sections, facts, command))
    _replace(SCALING, capacity.tables(sections))
    PLOT.write_text(plot.draw(sections), encoding="utf-8")
    return [PAGE, SCALING, PLOT]


def _replace(page: Path, figures: str) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{figures}{END}{after}", encoding="utf-8")


def _markdown(sections: list[Section], facts: dict[str, str], command: str) -> str:
    measured = f"Measured on {datetime.now(UTC):%Y-%m-%d} with `{command}`."
    lines = [measured, "", *(f"- {name}: {fact}" for name, fact in facts.items()), ""]
    lines += ["## Targets", "", f"![Rates, and figures beside their targets]({PLOT.name})", ""]
    lines += ["| | figure | must be | reaches for | |", "| --- | ---: | ---: | ---: | --- |"]
    lines += [f"| {' | '.join(cells)} | {verdict.value} |" for *cells, verdict in _aimed(sections)]
    lines.append("")
    for section in sections:
        lines += [f"## {section.title}", "", section.how, ""]
        lines += [*_table(section), ""]
    return "\n".join(lines)


def _table(section: Section) -> Iterator[str]:
    if section.grid is None:
        yield from ("| | figure | over the rounds |", "| --- | ---: | ---: |")
        yield from (f"| {figure.name} | {figure.shown()} | {_spread(figure)} |" for figure in section.figures)
    else:
        yield f"| {' | '.join(section.grid.columns)} |"
        yield f"| ---{' | ---:' * (len(section.grid.columns) - 1)} |"
        yield from (f"| {' | '.join(line)} |" for line in section.grid.lines)


def _spread(figure: Figure) -> str:
    return f"{digits(min(figure.rounds))} – {digits(max(figure.rounds))}" if figure.rounds else ""


def _aimed(sections: list[Section]) -> Iterator[tuple[str, str, str, str, Verdict]]:
    """Yields name, value, limit, aim and verdict of each figure with a target."""
    for figure in (figure for section in sections for figure in section.figures):
        if (target := figure.target) is not None:
            sign = "≥" if target.at_least else "≤"
            reach = f"{sign} {figure.shown(target.reach)}" if target.reach is not None else ""
            must = f"{sign} {figure.shown(target.must)}"
            yield figure.name, figure.shown(), must, reach, target.verdict(figure.value)

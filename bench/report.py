"""The figures as a table in the terminal and as a part of `docs/benchmarks.md`."""

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figures import Figure, Section

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def show(console: Console, sections: list[Section]) -> None:
    """One table, a line per figure."""
    table = Table("", "figure", "over the rounds", "target")
    table.columns[0].no_wrap = True
    for section in sections:
        table.add_section()
        table.add_row(f"[bold]{section.title}[/bold]")
        for figure in section.figures:
            table.add_row(f"  {figure.name}", _number(figure), _spread(figure), _target(figure))
    console.print(table)


def write(sections: list[Section], facts: dict[str, str], command: str) -> Path:
    """The page's figures, between its two marks, are these; the rest of it stays. Returns the page's path."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{_markdown(sections, facts, command)}{END}{after}", encoding="utf-8")
    return PAGE


def _markdown(sections: list[Section], facts: dict[str, str], command: str) -> str:
    measured = f"Measured on {datetime.now(UTC):%Y-%m-%d} with `{command}`."
    lines = [measured, "", *(f"- {name}: {fact}" for name, fact in facts.items()), ""]
    for section in sections:
        lines += [f"## {section.title}", "", section.how, ""]
        lines += ["| | figure | over the rounds | target |", "| --- | ---: | ---: | ---: |"]
        for figure in section.figures:
            lines.append(f"| {figure.name} | {_number(figure)} | {_spread(figure)} | {_target(figure)} |")
        lines.append("")
    return "\n".join(lines)


def _number(figure: Figure) -> str:
    return f"{_digits(figure.value)} {figure.unit}" if figure.unit != "/s" else f"{_digits(figure.value)}/s"


def _spread(figure: Figure) -> str:
    return " – ".join(map(_digits, figure.spread)) if figure.spread else ""


def _target(figure: Figure) -> str:
    if figure.below == 0:
        return "target: none"
    return f"target < {figure.below:g} {figure.unit}" if figure.below is not None else ""


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"

"""The outcome of a soak as tables in the terminal and as a part of `docs/reliability.md`."""

import os
import platform
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stack.soak.checks import Check
from stack.soak.harms import Struck
from stack.soak.load import NO_ANSWER, Tally

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- soak -->", "<!-- end of soak -->"


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a soak has to say; times are in `minutes` where not said otherwise."""

    minutes: float
    seed: int
    struck: list[Struck]
    deaths: Counter[str]
    tally: Tally
    statuses: Counter[str]
    checks: list[Check]
    facts: dict[str, str]

    @property
    def violations(self) -> int:
        """How many were found in all."""
        return sum(len(check.violations) for check in self.checks)

    def rows(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Titles, and under each names with their figures."""
        kinds = Counter(struck.kind for struck in self.struck)
        answers: dict[str, list[str]] = {}
        for (name, status), n in sorted(self.tally.answers.items()):
            answers.setdefault(name, []).append(f"{'none' if status == NO_ANSWER else status}: {n:,}")
        told = {name: ", ".join(counts) for name, counts in answers.items()}
        told["longest answer"] = f"{self.tally.longest_s:.2f} s"
        deaths = {f"{name} ended, started again": f"{n}" for name, n in sorted(self.deaths.items())}
        seen = {"most active at once": f"{self.tally.most}", "samples": f"{self.tally.samples:,}"}
        return [
            (f"harms: {len(self.struck)}", [(kind, f"{n}") for kind, n in sorted(kinds.items())]),
            ("restarts", list(deaths.items())),
            ("answers", list(told.items())),
            (
                f"generations: {self.statuses.total():,}",
                [(status, f"{n:,}") for status, n in sorted(self.statuses.items())],
            ),
            ("afterwards", [*seen.items(), *self.facts.items()]),
            (
                f"violations: {self.violations}",
                [(check.promise, f"{len(check.violations)}" if check.violations else "none") for check in self.checks],
            ),
        ]


def show(console: Console, summary: Summary) -> None:
    """The table, and each violation in full below it, twenty of a kind at most."""
    table = Table("", "figure", show_header=False)
    for title, rows in summary.rows():
        table.add_section()
        table.add_row(title, "", style="bold")
        for name, figure in rows:
            table.add_row(f"  {name}", figure)
    console.print(table)
    for check in summary.checks:
        for violation in check.violations[:20]:
            console.print(f"VIOLATION {check.promise}: {violation}", soft_wrap=True)


def write(summary: Summary) -> Path:
    """The page's part between its two marks is this run; the rest of it stays. Returns the page's path."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    said = (
        f"{summary.minutes:g} minutes on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}, seed {summary.seed}."
    )
    lines = [said, "", "| | |", "| --- | --- |"]
    for title, rows in summary.rows():
        found = [f"{name}: {figure}" for name, figure in rows if figure != "none"]
        lines.append(f"| {title} | {'; '.join(found) or (f'of {len(rows)} kinds' if rows else 'none')} |")
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")
    return PAGE

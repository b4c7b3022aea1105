"""Rows as text: a table for people, JSON or CSV for programs."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import click

from app.cli.layout import GAP, draw, wrap
from app.cli.output import echo
from app.telemetry.printable import inert, inert_json

#: Where a command keeps that its rows shall be whole.
WIDE = "coursegen.wide"


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Prints these columns as a table, on a terminal no wider than that, or the whole rows as a JSON array.

    Texts that may be long belong in the last column, and what may be left out at the right.
    """
    rows = list(rows)
    if as_json:
        echo(to_json(rows))
    else:
        echo(to_table(columns, [[row[column] for column in columns] for row in rows], terminal_width()))


def print_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Prints each name with its value, on a terminal broken into lines of its width."""
    shown = [(name, _cell(value)) for name, value in facts]
    left = max((len(name) for name, _ in shown), default=0) + len(GAP)
    width = terminal_width()
    for name, value in shown:
        lines = [value] if width is None else wrap(value, width - left)
        echo(f"{name:<{left}}" + f"\n{'':<{left}}".join(lines))


def terminal_width() -> int | None:
    """The columns of the terminal that reads the output; None if none does, or the rows shall be whole."""
    context = click.get_current_context(silent=True)
    is_wide = context is not None and context.meta.get(WIDE, False)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() and not is_wide else None


def to_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None = None) -> str:
    """Aligned columns under their names, numbers to the right; None is a dash. As wide as `width` if that is given."""
    numeric = [all(isinstance(v, int | Decimal | None) for v in column) for column in zip(*rows, strict=True)]
    return draw(columns, [[_cell(value) for value in row] for row in rows], numeric, width)


def to_json(value: object, indent: int | None = None) -> str:
    return inert_json(json.dumps(value, ensure_ascii=False, indent=indent, default=_plain))


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A heading and a line for each row, as `psql --csv` writes them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dict | list):
        value = to_json(value)
    return inert(str(value), keep="")  # a line break would break the table


def _plain(value: object) -> str | float:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)

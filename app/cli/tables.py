"""Rows as text: a table for people, JSON or CSV for programs."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.cli.output import echo
from app.telemetry.printable import inert, inert_json


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Prints these columns as a table, or the whole rows as a JSON array."""
    rows = list(rows)
    if as_json:
        echo(to_json(rows))
    else:
        echo(to_table(columns, [[row[column] for column in columns] for row in rows]))


def to_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Aligned columns under their names, numbers to the right; None is a dash."""
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [all(isinstance(v, int | Decimal | None) for v in column) for column in zip(*rows, strict=True)]
    alignments = [">" if right else "<" for right in numeric] or ["<"] * len(widths)
    return "\n".join(
        "  ".join(f"{c:{a}{w}}" for c, a, w in zip(line, alignments, widths, strict=True)).rstrip() for line in cells
    )


def to_json(value: object, indent: int | None = None) -> str:
    return inert_json(json.dumps(value, ensure_ascii=False, indent=indent, default=_plain))


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A heading and a line for each row, as `psql --csv` writes them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
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

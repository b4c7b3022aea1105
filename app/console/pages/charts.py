"""`/charts/<span>`: how fast it went, as numbers; and the pictures of them that the server makes."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from flask import Blueprint, Response, abort, jsonify
from markupsafe import Markup

from app.console.access import reading
from app.console.fragments import make_lasting, snapshot
from app.console.languages import mark, translate
from app.operations.series import SPANS, Series, read_series

log = logging.getLogger(__name__)

blueprint = Blueprint("charts", __name__)
#: How long a series serves further requests: it covers an hour at least.
KEPT_S = 15.0
NAMES = {"1h": mark("1 hour"), "24h": mark("24 hours"), "7d": mark("7 days")}
LATE = mark("The numbers of the charts can't be had in time.")
#: A sparkline's size.
WIDTH, HEIGHT = 90, 22


@blueprint.get("/charts/<span>")
def show_series(span: str) -> Response:
    if span not in SPANS:
        abort(404)
    series = find_series(span)
    if series is None:
        abort(503, translate(LATE))
    response = jsonify(
        at=[int(at.timestamp()) for at in series.at],
        ends=list(series.ends.values()),
        seconds=[
            [None if both is None else round(both[half], 3) for both in pairs]
            for pairs in series.seconds.values()
            for half in (0, 1)
        ],
        limits=[(int(at.timestamp()), limit) for at, limit in series.limits],
    )
    return make_lasting(response)


def find_series(span: str) -> Series | None:
    """The series, shared by all requests within `KEPT_S`; None if the database does not answer in time."""
    db = reading().db

    def read() -> Series | None:
        try:
            return read_series(db, span)
        except psycopg.Error as error:
            log.warning("series_failed", extra={"span": span, "error": str(error)[:200]})
            return None

    return snapshot(f"charts/{span}", read, KEPT_S)


def draw_lines(series: Series | None) -> Mapping[str, Markup]:
    """A sparkline of each count, up to the last span that has ended."""
    return {} if series is None else {name: _draw_line(counts[:-1]) for name, counts in series.ends.items()}


def _draw_line(counts: Sequence[int]) -> Markup:
    most, last = max([*counts, 1]), max(len(counts) - 1, 1)
    points = " ".join(
        f"{number * WIDTH / last:.1f},{HEIGHT - 2 - count / most * (HEIGHT - 4):.1f}"
        for number, count in enumerate(counts)
    )
    box: Any = f"0 0 {WIDTH} {HEIGHT}"
    return Markup(
        '<svg class="spark" viewBox="{}" width="{}" height="{}" aria-hidden="true"><polyline points="{}"/></svg>'
    ).format(box, WIDTH, HEIGHT, points)

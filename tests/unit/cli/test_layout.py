"""Tables fit the terminal, and are whole everywhere else."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.cli.tables import to_table

ID, AT = UUID(int=2**127), datetime(2026, 11, 29, 14, 30, tzinfo=UTC)
COLUMNS = ("id", "status", "stage", "course", "created_at", "error")
ROWS = [
    (ID, "failed", "STRUCTURE_GENERATION", "an-introduction-to-python", AT, "no answer from the provider " * 4),
    (ID, "running", "STRUCTURE_ANALYSIS", "geology", AT, None),
]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 250])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = to_table(COLUMNS, ROWS, width).splitlines()
    assert max(map(len, lines)) <= width
    assert [line.count(str(ID)) for line in lines if str(ID) in line] == [1, 1]  # ids are never cut


def test_at_80_columns_the_columns_at_the_right_are_left_out_and_texts_stand_below() -> None:
    heading, first, *text, second = to_table(COLUMNS, ROWS, 80).splitlines()
    assert heading.split() == ["id", "status", "stage", "course"]
    assert first == f"{ID}  failed   STRUCTU…ERATION  an-intro…-python"
    assert [line[:12] for line in text] == ["    no answe", "    provider"]
    assert second == f"{ID}  running  STRUCTU…NALYSIS  geology"


def test_a_text_with_room_beside_its_row_stands_there() -> None:
    rows = [
        ("ok", "settings", "read"),
        ("error", "workers of stages", "0 alive → Start `coursegen worker --only stages`"),
    ]
    assert to_table(("state", "check", "found"), rows, 60) == (
        "state  check              found\n"
        "ok     settings           read\n"
        "error  workers of stages  0 alive → Start `coursegen worker\n"
        "                          --only stages`"
    )


@pytest.mark.parametrize("width", [None, 300])
def test_without_a_terminal_or_with_room_every_value_is_whole(width: int | None) -> None:
    heading, first, second = to_table(COLUMNS, ROWS, width).splitlines()
    assert heading.split() == list(COLUMNS)
    assert first.endswith("2026-11-29 14:30:00  " + "no answer from the provider " * 3 + "no answer from the provider")
    assert "an-introduction-to-python" in first
    assert second.endswith("  -")


def test_a_last_column_without_texts_is_left_out_like_any_other() -> None:
    lines = to_table(("id", "started", "ended", "is_alive"), [(ID, AT, AT, True)], 70).splitlines()
    assert [line.split()[0] for line in lines] == ["id", str(ID)]


def test_a_long_text_is_cut_after_some_lines() -> None:
    lines = to_table(("id", "text"), [(ID, "word " * 500)], 60).splitlines()
    assert (len(lines), lines[-1].endswith("…")) == (8, True)

"""The matrix names what is not at hand, and runs the rest."""

from argparse import Namespace
from pathlib import Path

import pytest

from stack.matrix import Absent, find_postgres, find_python, run_matrix


def test_a_python_that_is_not_at_hand_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    arguments = Namespace(python=["3.98", "3.99"], postgres=[], unit=[], integration=[], processes=1)
    assert list(run_matrix(arguments, tmp_path)) == [
        ("Python 3.98", "not at hand: no such interpreter on this machine"),
        ("Python 3.99", "not at hand: no such interpreter on this machine"),
    ]


def test_no_interpreter_passes_for_another_version() -> None:
    with pytest.raises(Absent):
        find_python("3.1")


def test_a_postgresql_that_nobody_has_is_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Absent, match="npm is not installed"):
        find_postgres("99", tmp_path)


def test_the_wheels_postgresql_needs_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (find_postgres("18", tmp_path) / "initdb").is_file()

"""A parser that breaks, hangs or takes too much costs only its own file."""

from pathlib import Path

import pytest

from pipeline.parsing import Patience
from tests.unit.pipeline.formats.hostile.reading import DAMAGED, TEXT, read, refusal


@pytest.mark.parametrize("reader", ["read_and_hang", "read_and_spin"])
def test_file_that_takes_too_long_costs_only_its_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    use_reader(monkeypatch, reader)
    assert refusal(tmp_path, "a.slow", TEXT.encode(), limit_s=2) == "разбор файла занял больше 2 с"
    assert read(tmp_path, "a.txt", TEXT.encode()).text == TEXT


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        ("read_and_crash", f"{DAMAGED}, разобрать его не удалось"),
        ("read_and_raise", f"{DAMAGED}, разобрать его не удалось"),
        ("read_and_recurse", f"{DAMAGED}, разобрать его не удалось"),
        ("read_and_hoard", "для разбора файла не хватило памяти"),
        ("read_and_exceed", "в файле слишком много текста"),
    ],
)
def test_parser_that_breaks_spoils_only_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, reason: str
) -> None:
    use_reader(monkeypatch, reader)
    assert refusal(tmp_path, "a.slow", TEXT.encode()) == reason
    assert read(tmp_path, "a.txt", TEXT.encode()).text == TEXT


def test_whatever_a_library_prints_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_reader(monkeypatch, "read_and_print")
    assert read(tmp_path, "a.slow", TEXT.encode()).text == TEXT


def test_slow_files_leave_later_ones_less_time() -> None:
    patience = Patience(file_limit_s=60, slow_files_s=100)
    patience.spend(1.5)
    patience.spend(60)
    assert patience.limit_s == 60
    patience.spend(60)
    assert 0 < patience.limit_s < 60


def use_reader(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    """Files named `.slow` are read by this function of `readers`."""
    from pipeline import formats

    slow = formats.Format("slow", frozenset({".slow"}), frozenset(), f"tests.unit.pipeline.formats.readers.{reader}")
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, slow))

"""`python -m stack.soak`: some harms under load, a summary, nothing left over."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def temporary_folder() -> Iterator[Path]:
    """Where a run may put its folders: one that a server's account can enter, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory(prefix="soak-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(process.cwd()).startswith(str(folder)) or str(folder) in process.environ().get("TMPDIR", "")
    except psutil.Error:
        return False


def assert_nothing_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert [process for process in psutil.process_iter() if belongs_to(process, folder)] == []


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_a_short_soak_finds_nothing_lost_doubled_or_left_behind(temporary_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stack.soak", "--minutes", "0.35", "--every", "3", "--seed", "4"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary_folder)},
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "violations: 0" in done.stdout
    assert "completed" in done.stdout
    assert_nothing_left(temporary_folder)


def test_an_interrupted_soak_leaves_nothing_behind_though_a_server_is_frozen(temporary_folder: Path) -> None:
    # The first harm of this seed freezes PostgreSQL.
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "stack.soak", "--minutes", "5", "--seed", "14", "--every", "3"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary_folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if "PostgreSQL frozen" in line:
                break
        process.terminate()
        process.stdout.read()
    assert process.returncode == 130
    assert_nothing_left(temporary_folder)

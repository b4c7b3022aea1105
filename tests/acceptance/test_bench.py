"""`python -m bench`: it prints figures and leaves nothing behind."""

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
    with tempfile.TemporaryDirectory(prefix="bench-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def run_bench(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_benchmark_prints_figures_and_leaves_nothing_behind(temporary_folder: Path) -> None:
    done = run_bench("--quick", "--only", "slots", folder=temporary_folder)
    assert done.returncode == 0, done.stderr
    for holders in ("0 holders", "1,000 holders", "100,000 holders"):
        [line] = [line for line in done.stdout.splitlines() if f" {holders}, mean" in line]
        assert "µs" in line
        assert "target < 1000 µs" in line
    assert list(temporary_folder.iterdir()) == []
    assert [process.pid for process in psutil.process_iter() if _belongs_to(process, temporary_folder)] == []


@pytest.mark.parametrize("arguments", [("--write", "--quick"), ("--write", "--only", "slots"), ("--only", "nonsense")])
def test_benchmark_refuses_what_would_write_half_a_page(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run_bench(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "usage" in done.stderr


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(process.cwd()).startswith(str(folder))
    except psutil.Error:
        return False

"""`make matrix` with the Python that runs this and the PostgreSQL of the wheel."""

import platform
import subprocess
import sys

import pytest

from tasks.supervision.workers import ROOT

PYTHON = ".".join(platform.python_version_tuple()[:2])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_pair_of_the_matrix_runs_in_an_environment_of_its_own() -> None:
    command = [sys.executable, "-m", "stack.matrix", "--python", PYTHON, "--postgres", "18", "--processes", "1"]
    command += ["--unit", "tests/unit/settings/test_settings.py"]
    command += ["--integration", "tests/integration/database/test_pool.py"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(
        f"\nPython {PYTHON}, unit               ok\nPython {PYTHON}, PostgreSQL 18      ok\n"
    ), done.stdout

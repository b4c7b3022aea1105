"""Where the examples are, and packages of npm."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).resolve().parents[3] / "examples" / "clients"
#: Local servers are never reached through a proxy.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def needs(program: str) -> pytest.MarkDecorator:
    lacking = f"{program} is not installed (Debian, Ubuntu: .ci/run installs nodejs npm php-cli ruby)"
    return pytest.mark.skipif(shutil.which(program) is None, reason=lacking)


def install(source: Path, folder: Path) -> Path:
    """A copy of the source folder with its packages, outside of the checkout."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    npm = ["npm", "ci", "--silent", "--no-audit", "--no-fund"]
    done = subprocess.run(npm, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"npm could not install the packages:\n{done.stdout}{done.stderr}"
    return folder

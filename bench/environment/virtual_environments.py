"""Virtual environments in the user's cache; the project's own is never changed."""

import hashlib
import subprocess
import sys
from pathlib import Path

INSTALL_S = 400.0


def make_environment(python: Path, folder: Path, requirements: Path) -> None:
    """The folder is an environment of this Python with these requirements and pip.

    Raises `subprocess.SubprocessError` or `OSError`. Not every Python can install pip; that of this process does.
    """
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, capture_output=True, timeout=INSTALL_S)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--root-user-action=ignore"]
    for wanted in (["-r", str(requirements)], ["pip"]):
        subprocess.run([*pip, *wanted], check=True, capture_output=True, text=True, timeout=INSTALL_S)


def digest_of(python: Path, *requirements: Path) -> str:
    """Changes with the interpreter and the contents of the files."""
    digest = hashlib.sha256(str(python.resolve()).encode())
    for path in requirements:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

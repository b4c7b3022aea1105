"""A base image for machines that reach a Debian mirror and no registry of images."""

import os
import shutil
import subprocess
from pathlib import Path

from stack.image.engines import EngineError, call, output

SUITE = "trixie"  # its Python is 3.13
IMAGE = f"localhost/course-generation-base:{SUITE}"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"


def debootstrapped_base() -> str:
    """The name of a minimal Debian with Python, which is made where it is not there yet. Raises `EngineError`."""
    for tool in ("buildah", "debootstrap"):
        if shutil.which(tool) is None:
            raise EngineError(f"{tool} is not installed")
    if os.geteuid() != 0:
        raise EngineError("debootstrap needs root")
    known = subprocess.run(["buildah", "inspect", "--type", "image", IMAGE], capture_output=True, check=False)
    if known.returncode != 0:
        container = output(["buildah", "from", "scratch"])
        try:
            root = Path(output(["buildah", "mount", container]))
            call("debootstrap", ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)])
            _make_like_python(root)
            output(["buildah", "commit", container, IMAGE])
        finally:
            output(["buildah", "rm", container])
    return IMAGE


def _make_like_python(root: Path) -> None:
    """The system's Python is called and may be used as in the image `python`."""
    (root / "usr" / "local" / "bin" / "python").symlink_to("/usr/bin/python3")
    for mark in (root / "usr" / "lib").glob("python3*/EXTERNALLY-MANAGED"):
        mark.unlink()
    for kept in ("cache/apt/archives", "lib/apt/lists"):
        shutil.rmtree(root / "var" / kept)

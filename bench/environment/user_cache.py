"""Keeps downloaded tools in the user's cache."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from stack.scratch import add_folder, remove_folder


def cached_folder(name: str, fill: Callable[[Path], None]) -> Path:
    """Returns the folder of this name; `fill` makes its contents the first time. What `fill` raises is raised here.

    The name must change with everything that the contents depend on.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "course-generation"
    folder = base / name
    if not folder.is_dir():
        base.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=base))
        add_folder(unfinished)
        try:
            fill(unfinished)
            try:
                unfinished.rename(folder)
            except OSError:  # another run was faster
                if not folder.is_dir():
                    raise
        finally:
            remove_folder(unfinished)
    return folder

"""Tools that were fetched for measuring are kept in the user's cache: what is there once needs no registry again."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from stack.scratch import add_folder, remove_folder


def cached_folder(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder of this name, as `fill` made it the first time; what `fill` raises goes on, and leaves nothing.

    The name says everything that its contents depend on.
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

"""Readers of documents by their dotted paths, so that a reader's libraries are imported only where a file is parsed."""

import importlib
from collections.abc import Callable

from pipeline.formats.content import Content


def load_reader(path: str) -> Callable[[bytes], Content]:
    """The reader at the dotted path."""
    module, _, name = path.rpartition(".")
    reader: Callable[[bytes], Content] = getattr(importlib.import_module(module), name)
    return reader

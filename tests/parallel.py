"""Tests in several processes at once, as `make test` runs them: `pytest -p tests.parallel -n 4 --dist loadgroup`."""

from collections.abc import Generator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent

#: Folders and modules whose tests all run in one process, because they share what takes long to start or install.
TOGETHER = (
    "faults",
    "acceptance/clients",
    "acceptance/test_delivery.py",
    "acceptance/test_pooler.py",
    "acceptance/test_run.py",
    "acceptance/trpc",
    "integration/http/test_streams.py",
    "integration/operations/test_scale.py",
    "integration/pipeline/test_large_documents.py",
    "integration/server/test_server.py",
)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for path, those in groupby(items, key=lambda item: item.path):
        places = [place for place in TOGETHER if path.is_relative_to(HERE / place)]
        for item in those:
            for place in places:
                item.add_marker(pytest.mark.xdist_group(place))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Raises `UsageError` where pytest-xdist, whose groups are suffixes of names, does not fit this pytest."""
    if not getattr(session.config.option, "loadgroup", False):
        return
    for item in session.items:
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
            raise pytest.UsageError("tests that share what takes long to start would run in several processes")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """What a test said reaches the main process as UTF-8, which has no half of a surrogate pair."""
    return encodable((yield))


def encodable(value: Any) -> Any:
    """The plain data with what UTF-8 can't say written as an escape."""
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case list() | tuple():
            return type(value)(map(encodable, value))
        case dict():
            return {encodable(key): encodable(item) for key, item in value.items()}
    return value

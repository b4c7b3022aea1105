"""Real files that were damaged are read or refused; nothing else happens."""

import multiprocessing
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from pipeline.formats import find_format
from pipeline.formats.content import Unreadable
from pipeline.parser import load_reader
from tests.corpus.mutations import damage
from tests.corpus.reading import FORMATS, find_files, format_of

#: The smallest files of a format, and how often each is damaged.
FILES, TIMES = 6, 10
WITHIN_S = 100


def test_damaged_files_are_read_or_refused() -> None:
    """In a process of its own, which a parser written in C may end."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=read_damaged, args=(sender,))
    process.start()
    sender.close()
    try:
        assert receiver.poll(WITHIN_S), "still reading"
        assert receiver.recv() == []
    finally:
        process.kill()
        process.join()


def read_damaged(faults: Connection) -> None:
    """Sends what was raised but is no Unreadable, with its place."""
    faults.send([fault for folder in FORMATS for path in smallest(folder) for fault in find_faults(path)])


def smallest(folder: str) -> list[Path]:
    return sorted(find_files(folder), key=lambda path: path.stat().st_size)[:FILES]


def find_faults(path: Path) -> Iterator[str]:
    whole = path.read_bytes()
    reader = load_reader(find_format(format_of(path, whole)).reader)
    for number, data in enumerate(damage(whole, TIMES)):
        try:
            content = reader(data)
            assert all(content.text[heading.start :].strip() for heading in content.headings)
        except Unreadable:
            pass
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            yield f"{path.name} {number}: {error!r} at {place.filename}:{place.lineno}"

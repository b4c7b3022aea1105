"""The files of the corpus, what the readers make of them, and what the references say."""

import json
import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.formats import find_format
from pipeline.formats.content import Content
from pipeline.formats.signature import recognise
from pipeline.parser import load_reader

HERE = Path(__file__).parent
FILES = HERE / "files"
FORMATS = sorted(path.name for path in FILES.iterdir())


@dataclass(frozen=True, slots=True)
class Reference:
    """What independent extractors found: a text of each, the headings, and titles that are headings to some."""

    texts: dict[str, str]
    headings: list[str]
    titles: list[str]


def find_files(folder: str) -> list[Path]:
    return sorted((FILES / folder).rglob("*.*"))


@cache
def load_references(folder: str) -> dict[str, Reference]:
    """By the file's path below files/; of scans there is none."""
    packed = (HERE / "references" / f"{folder}.json.xz").read_bytes()
    return {name: Reference(**found) for name, found in json.loads(lzma.decompress(packed)).items()}


@cache
def read_all(folder: str) -> dict[str, Content]:
    """What the readers make of each file that has a reference."""
    return {name: read_file(FILES / name) for name in load_references(folder)}


def read_file(path: Path) -> Content:
    data = path.read_bytes()
    return load_reader(find_format(format_of(path, data)).reader)(data)


def format_of(path: Path, data: bytes) -> str:
    """The name of the format, by the first bytes, else by the folder."""
    folder = path.relative_to(FILES).parts[0]
    claimed = "markdown" if folder == "md" else folder
    return recognise(data, claimed) or claimed

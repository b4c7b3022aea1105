"""The readers keep the text and the headings of real files; floors by format."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import pytest

from pipeline.formats.content import Content, Unreadable
from tests.corpus.measures import fold, heading_score, low, recall
from tests.corpus.reading import FILES, FORMATS, find_files, load_references, read_all, read_file

#: Less text than this says nothing about a reader.
ENOUGH = 50


@dataclass(frozen=True, slots=True)
class Floor:
    """What the median, the lowest tenth and the worst file must reach."""

    median: float
    low: float
    worst: float


#: A recall for each extractor, how much of what is read they know, and F1 of the headings.
FLOORS = {
    "pdf": {
        "pymupdf": Floor(0.99, 0.95, 0.93),
        "pdftotext": Floor(0.98, 0.93, 0.75),
        "precision": Floor(0.99, 0.95, 0.84),
        "headings": Floor(0.92, 0.9, 0.85),
    },
    "docx": {
        "pandoc": Floor(0.99, 0.97, 0.97),
        "docx2txt": Floor(0.99, 0.97, 0.97),
        "precision": Floor(0.99, 0.92, 0.92),
        "headings": Floor(0.99, 0.99, 0.99),
    },
    "pptx": {"xml": Floor(0.99, 0.85, 0.85), "precision": Floor(0.9, 0.7, 0.7), "headings": Floor(1, 1, 1)},
    "html": {
        "trafilatura": Floor(0.99, 0.97, 0.97),
        "lxml": Floor(0.99, 0.95, 0.94),
        "precision": Floor(0.99, 0.97, 0.97),
        "headings": Floor(1, 1, 0.95),
    },
    "md": {"pandoc": Floor(0.98, 0.97, 0.97), "headings": Floor(1, 1, 1)},
    "odt": {
        "pandoc": Floor(0.99, 0.99, 0.99),
        "precision": Floor(0.97, 0.97, 0.97),
        "headings": Floor(0.95, 0.95, 0.95),
    },
    "rtf": {
        "pandoc": Floor(0.99, 0.99, 0.99),
        "precision": Floor(0.97, 0.96, 0.96),
        "headings": Floor(0.95, 0.95, 0.95),
    },
    "epub": {"pandoc": Floor(0.95, 0.93, 0.93), "precision": Floor(0.95, 0.95, 0.95), "headings": Floor(1, 1, 1)},
}


@pytest.mark.parametrize("folder", FORMATS)
def test_text_and_headings_reach_their_floors(folder: str) -> None:
    assert find_faults(folder, read_all(folder)) == []


@pytest.mark.parametrize("folder", FORMATS)
def test_floors_notice_that_every_tenth_line_is_lost(folder: str) -> None:
    cut = {name: Content(drop_tenth_lines(content.text)) for name, content in read_all(folder).items()}
    assert find_faults(folder, cut)


def test_scan_is_told_from_text() -> None:
    with pytest.raises(Unreadable, match="скан"):
        read_file(FILES / "pdf" / "scans" / "congress.pdf")


def test_every_file_has_a_source_and_a_licence() -> None:
    with (FILES.parent / "SOURCES.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    present = [path.relative_to(FILES).as_posix() for folder in FORMATS for path in find_files(folder)]
    assert sorted(row["file"] for row in rows) == sorted(present)
    assert all(row["source"] and row["licence"] and row["author"] for row in rows)


def find_faults(folder: str, contents: dict[str, Content]) -> list[str]:
    """The figures that are below their floor, with the worst file of each."""
    faults = []
    for kind, floor in FLOORS[folder].items():
        scores = dict(score(folder, kind, contents))
        reached = Floor(median(scores.values()), low(list(scores.values())), min(scores.values()))
        if reached.median < floor.median or reached.low < floor.low or reached.worst < floor.worst:
            faults.append(f"{kind}: {reached}, worst {sorted(scores, key=lambda name: scores[name])[:3]}")
    return faults


def score(folder: str, kind: str, contents: dict[str, Content]) -> Iterable[tuple[str, float]]:
    for name, reference in load_references(folder).items():
        content = contents[name]
        texts = {extractor: text for extractor, text in reference.texts.items() if len(fold(text)) >= ENOUGH}
        if kind == "headings" and reference.headings:
            found = (heading.text for heading in content.headings)
            yield name, heading_score(reference.headings, found, reference.titles)
        elif kind == "precision" and texts:
            yield name, max(recall(content.text, text) for text in texts.values())
        elif kind in texts:
            yield name, recall(texts[kind], content.text)


def drop_tenth_lines(text: str) -> str:
    return "\n".join(line for number, line in enumerate(text.split("\n"), start=1) if number % 10)

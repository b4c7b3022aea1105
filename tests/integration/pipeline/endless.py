"""A handler whose parser never comes to an end."""

from pipeline import formats
from pipeline.contract import Document, Report, StageInput
from pipeline.document_processing import handle as process
from pipeline.formats import Format


def handle(stage_input: StageInput, report: Report) -> tuple[Document, ...]:
    reader = "tests.unit.pipeline.formats.readers.read_and_hang"
    formats.FORMATS = (Format("markdown", frozenset({".md"}), frozenset(), reader),)
    return process(stage_input, report)

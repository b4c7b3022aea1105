"""STRUCTURE_GENERATION: sections and lessons, from documents when there are any, else from the brief."""

from pipeline.contract import Outline, Report, StageInput
from pipeline.outline.from_brief import outline_brief
from pipeline.outline.from_documents import outline_documents
from pipeline.structure_analysis import write_brief


def handle(stage_input: StageInput, report: Report) -> Outline:
    """The outline of the course, within its estimates; every lesson names the passages it is made from.

    The passages of all lessons hold every non-blank character of every readable document exactly once, in order.
    """
    del report  # one step, no units
    course, documents = stage_input.course, stage_input.documents
    if any(document.error is None and document.text.strip() for document in documents):
        return outline_documents(course, documents)
    return outline_brief(course, stage_input.brief or write_brief(course))

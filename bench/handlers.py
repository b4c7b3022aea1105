"""A stage handler that ends its generation at once, so that the worker is idle again."""

from pipeline.contract import Report, StageFailed, StageInput


def give_up(stage_input: StageInput, report: Report) -> None:
    """Raises `StageFailed`."""
    raise StageFailed("The benchmark measures no further than the start of the first stage")

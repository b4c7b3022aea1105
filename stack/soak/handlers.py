"""The shipped handlers slowed down, so that what is killed is killed in the middle of a stage."""

import random
import time

from pipeline import structure_generation, text_generation
from pipeline.contract import Draft, Outline, Report, StageInput


def outline(stage_input: StageInput, report: Report) -> Outline:
    time.sleep(random.uniform(0.1, 1.0))
    return structure_generation.handle(stage_input, report)


def draft(stage_input: StageInput, report: Report) -> tuple[Draft, ...]:
    time.sleep(random.uniform(0.2, 3.0))
    return text_generation.handle(stage_input, report)

"""The handler of the texts, which first does what the course's description says.

`lasts 1.5` takes so many seconds more, `fails` fails, `hangs` never ends, `kills its worker` does that; a course
without a description is generated as by the shipped handler.
"""

import os
import signal
import time

from pipeline import text_generation
from pipeline.contract import Draft, Report, StageInput


def drafts(stage_input: StageInput, report: Report) -> tuple[Draft, ...]:
    match (stage_input.course.description or "").split():
        case ["lasts", seconds]:
            time.sleep(float(seconds))
        case ["fails"]:
            raise ValueError("asked to fail")
        case ["hangs"]:
            time.sleep(3600)
        case ["kills", "its", "worker"]:
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
    return text_generation.handle(stage_input, report)

"""The handler of the texts, which first does what the course's description says.

`lasts 1.5` takes so many seconds more, `fails` fails, `hangs` never ends, `kills its worker` does that; a course
without a description is generated as by the shipped handler.
"""

import multiprocessing
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
            worker = multiprocessing.parent_process()
            assert worker is not None and worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            time.sleep(60)
    return text_generation.handle(stage_input, report)

"""The stage of a slow model: it writes once nothing holds it."""

import time
from pathlib import Path

from pipeline import text_generation
from pipeline.contract import Draft, Report, StageInput


def hold_and_write(stage_input: StageInput, report: Report) -> tuple[Draft, ...]:
    while Path(stage_input.files_root, "hold").exists():
        time.sleep(0.05)
    return text_generation.handle(stage_input, report)

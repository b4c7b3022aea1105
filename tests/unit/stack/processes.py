"""What the tests ask of processes."""

import psutil


def gone(process: psutil.Process) -> bool:
    """Whether the process has ended, be it that nobody has waited for it."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True

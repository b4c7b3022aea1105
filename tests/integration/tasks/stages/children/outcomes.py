"""What the tests' handlers said, and whether a process lives."""

from collections.abc import Callable

import orjson
import psutil

from pipeline.child.wire import Returned
from tasks.stages.child_process import Outcome

Run = Callable[..., Outcome]


def no_call(*_: object) -> None:
    """Does nothing."""


def said(outcome: Outcome) -> str:
    """What the result of the tests' handler says."""
    assert isinstance(outcome, Returned), outcome
    return str(orjson.loads(outcome.rows)["topic"])


def pid_of(outcome: Outcome) -> int:
    return int(said(outcome))


def is_alive(pid: int) -> bool:
    """A zombie is not; in a container without an init nobody reaps it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

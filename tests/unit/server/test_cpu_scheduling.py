"""The API uses the kernel's scheduling where it can, and starts without."""

import os
import subprocess
import sys

import pytest

from app.server.cpu_scheduling import disable_wakeup_preemption, pin_each_child_to_a_cpu


def test_a_system_that_refuses_the_policy_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*policy: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "SCHED_BATCH", 3, raising=False)
    monkeypatch.setattr(os, "sched_param", int, raising=False)
    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    disable_wakeup_preemption()


def test_a_system_without_it_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "SCHED_BATCH", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    disable_wakeup_preemption()
    pin_each_child_to_a_cpu(2)


@pytest.mark.parametrize(("more", "pinned"), [(0, True), (1, False)])
def test_children_have_a_cpu_each_where_there_are_as_many_as_processes(more: int, pinned: bool) -> None:
    code = (
        "import os; from app.server.cpu_scheduling import *\n"
        f"cpus = os.sched_getaffinity(0); pin_each_child_to_a_cpu(len(cpus) + {more})\n"
        "read, write = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.write(write, str(len(os.sched_getaffinity(0))).encode()); os._exit(0)\n"
        "os.wait(); print(os.read(read, 5).decode(), len(cpus), os.sched_getaffinity(0) == cpus)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    child, cpus, parent_is_as_before = done.stdout.split()
    assert child == ("1" if pinned else cpus)
    assert parent_is_as_before == "True"

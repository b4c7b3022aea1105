"""How busy this host is: what its processors and memory leave to more work. Read from Linux's own figures."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class HostLoad:
    """None where the host does not say.

    `cpu_pressure`: the share of the last 10 s, 0 to 1, in which something waited for a processor. Memory is in bytes.
    """

    cpu_pressure: float | None
    memory_available: int | None
    memory_total: int | None


def read_load(proc: Path = PROC, cgroups: Path = CGROUPS) -> HostLoad:
    """The load of the host, or of this process's control group where that leaves less: it is a container's limit.

    Never raises: a sign of life carries it.
    """
    group = _find_group(proc, cgroups)
    pressures = [_read_pressure(proc / "pressure/cpu"), _read_pressure(group / "cpu.pressure")]
    known = [pressure for pressure in pressures if pressure is not None]
    memories = [memory for memory in (_read_memory(proc), _read_group_memory(group)) if memory is not None]
    available, total = min(memories, default=(None, None))
    return HostLoad(max(known) if known else _estimate_pressure(), available, total)


def _find_group(proc: Path, cgroups: Path) -> Path:
    """The folder of this process's control group, if the host has version 2 of them."""
    with suppress(OSError, ValueError):
        for line in (proc / "self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return cgroups / line[3:].lstrip("/")
    return cgroups


def _read_pressure(path: Path) -> float | None:
    """Of a line such as `some avg10=1.53 avg60=0.87 avg300=0.22 total=58761459`."""
    with suppress(OSError, ValueError, IndexError):
        return float(path.read_text().split()[1].removeprefix("avg10=")) / 100
    return None


def _estimate_pressure() -> float | None:
    """From the load average: the share of the runnable threads that has to wait."""
    with suppress(OSError):
        load, processors = os.getloadavg()[0], os.cpu_count() or 1
        return max(0.0, 1 - processors / load) if load else 0.0
    return None


def _read_memory(proc: Path) -> tuple[int, int] | None:
    """What is available, and all."""
    with suppress(OSError, ValueError, KeyError, IndexError):
        lines = dict(line.split(":", 1) for line in (proc / "meminfo").read_text().splitlines())
        available, total = (int(lines[name].split()[0]) * 1024 for name in ("MemAvailable", "MemTotal"))
        return available, total
    return None


def _read_group_memory(group: Path) -> tuple[int, int] | None:
    """What the control group may still use, and its limit; None without one. Files in the cache give way."""
    with suppress(OSError, ValueError, KeyError):  # "max" is no number
        limit = int((group / "memory.max").read_text())
        cached = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())["inactive_file"]
        return max(0, limit - int((group / "memory.current").read_text()) + int(cached)), limit
    return None

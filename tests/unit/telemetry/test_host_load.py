"""The load of a host, from files as Linux has them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.telemetry.host_load import HostLoad, read_load

MIB = 1024 * 1024
MEMORY = "MemTotal: 8192 kB\nMemFree: 100 kB\nMemAvailable: 2048 kB\nHugePages_Total: 0\n"
HOST = {
    "proc/pressure/cpu": "some avg10=12.50 avg60=1.00 avg300=0.10 total=9\nfull avg10=0.00\n",
    "proc/meminfo": MEMORY,
}
IN_GROUP = {**HOST, "proc/self/cgroup": "1:cpu:/other\n0::/a.slice/b\n"}
GROUP = "groups/a.slice/b"
LIMITED = {
    f"{GROUP}/memory.max": f"{4 * MIB}\n",
    f"{GROUP}/memory.current": f"{3 * MIB}\n",
    f"{GROUP}/memory.stat": f"anon 5\ninactive_file {MIB // 2}\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(HOST, HostLoad(0.125, 2 * MIB, 8 * MIB), id="no control group"),
        pytest.param(IN_GROUP, HostLoad(0.125, 2 * MIB, 8 * MIB), id="a group without limits"),
        pytest.param(
            {**IN_GROUP, f"{GROUP}/memory.max": "max\n", f"{GROUP}/cpu.pressure": "some avg10=40.00 avg60=0\n"},
            HostLoad(0.4, 2 * MIB, 8 * MIB),
            id="a group that waits for processors",
        ),
        pytest.param({**IN_GROUP, **LIMITED}, HostLoad(0.125, 3 * MIB // 2, 4 * MIB), id="a group's own memory"),
        pytest.param(
            {**IN_GROUP, **LIMITED, f"{GROUP}/memory.current": f"{9 * MIB}"},
            HostLoad(0.125, 0, 4 * MIB),
            id="a group that is full",
        ),
        pytest.param(
            {**IN_GROUP, **LIMITED, f"{GROUP}/memory.stat": "nonsense"},
            HostLoad(0.125, 2 * MIB, 8 * MIB),
            id="nonsense",
        ),
    ],
)
def test_the_tighter_of_host_and_control_group_counts(
    tmp_path: Path, files: Mapping[str, str], expected: HostLoad
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_load(tmp_path / "proc", tmp_path / "groups") == expected


def test_a_host_that_says_nothing_is_known_by_its_load_average(tmp_path: Path) -> None:
    load = read_load(tmp_path, tmp_path)
    assert load.cpu_pressure is not None
    assert 0 <= load.cpu_pressure < 1
    assert (load.memory_available, load.memory_total) == (None, None)


def test_this_host_says_something() -> None:
    load = read_load()
    assert load.cpu_pressure is not None
    assert load.memory_available is not None
    assert load.memory_total is not None
    assert 0 < load.memory_available <= load.memory_total

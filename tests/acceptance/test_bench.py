"""`python -m bench` and its tools: interpreters, load generators, targets, pages."""

import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from bench.environment import interpreters
from bench.environment.debian_tools import ToolMissing
from bench.load import python_generator, wrk
from bench.load.python_generator import Load, request_bytes
from bench.reporting import tables
from bench.reporting.figures import Figure, Grid, Section, Target, Verdict, at_least, below, over_rounds, ratio

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def temporary_folder() -> Iterator[Path]:
    """A folder for a run; unlike `tmp_path`, a server's account can enter it."""
    with tempfile.TemporaryDirectory(prefix="bench-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def run_bench(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "--this-python", *arguments],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(process.cwd()).startswith(str(folder))
    except psutil.Error:
        return False


def test_benchmark_prints_figures_and_leaves_nothing_behind(temporary_folder: Path) -> None:
    done = run_bench("--quick", "--only", "slots", folder=temporary_folder)
    assert done.returncode == 0, done.stderr
    measured, aimed = (line for line in done.stdout.splitlines() if "slot script, 1,000 holders, mean" in line)
    assert "µs" in measured
    assert "≤ 1,000 µs" in aimed
    assert list(temporary_folder.iterdir()) == []
    assert [process.pid for process in psutil.process_iter() if _belongs_to(process, temporary_folder)] == []


def test_the_fastest_python_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quick, slow, old = (tmp_path / name for name in ("python3.13", "python3.12", "python3.11"))
    for python in (quick, slow, old):
        python.touch()
    taken = {sys.executable: 0.030, str(quick): 0.020, str(slow): 0.029, str(old): None}
    monkeypatch.setenv("PATH", str(tmp_path))
    taken[str(Path(sys.executable).resolve())] = taken[sys.executable]
    monkeypatch.setattr(interpreters, "seconds", lambda python: taken.get(str(python)))
    monkeypatch.setattr(interpreters, "_real", Path)
    assert interpreters.find_fastest() == (quick, 0.030, 0.020)
    taken[str(quick)] = 0.029  # within the noise
    assert interpreters.find_fastest() is None


def test_a_shim_counts_as_the_python_that_it_runs(tmp_path: Path) -> None:
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    shim.chmod(0o755)
    assert interpreters._real(shim) == Path(sys.executable).resolve()
    assert interpreters._real(tmp_path / "none") is None


def test_a_program_that_is_no_supported_python_has_no_time(tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    assert interpreters.seconds(tmp_path / "python3") is None
    assert interpreters.seconds(tmp_path / "missing") is None
    own = interpreters.seconds(Path(sys.executable))
    assert own is not None
    assert own > 0


@pytest.mark.parametrize("arguments", [("--write", "--quick"), ("--write", "--only", "slots"), ("--only", "nonsense")])
def test_arguments_that_would_write_half_a_page_are_refused(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run_bench(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "usage" in done.stderr


@pytest.fixture
def answering() -> Iterator[tuple[int, list[bytes]]]:
    """The port of a server that answers with the status in the path, and the bodies that it received."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(int(self.path.removeprefix("/")))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1], bodies
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("send_all", [python_generator.send_all, wrk.send_all], ids=["python", "wrk"])
def test_every_request_is_sent_once(
    send_all: Callable[[int, list[bytes]], Load], answering: tuple[int, list[bytes]]
) -> None:
    port, bodies = answering
    sent = [f"request {number}".encode() for number in range(200)]
    requests = [request_bytes("POST", "/429" if number % 4 else "/200", {}, body) for number, body in enumerate(sent)]
    try:
        done = send_all(port, requests)
    except ToolMissing as error:
        pytest.skip(str(error))
    assert Counter(bodies) == Counter(sent)
    assert done.statuses == Counter({200: 50, 429: 150})
    assert 0 < done.latencies_ms["p50"] <= done.latencies_ms["p95"] <= done.latencies_ms["p99"] < 1000 * done.seconds


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (below(100, 30), 101, Verdict.MISSED),
        (below(100, 30), 100, Verdict.MET),
        (below(100, 30), 30, Verdict.REACHED),
        (below(100), 1, Verdict.MET),
        (at_least(1.5, 2), 1.4, Verdict.MISSED),
        (at_least(1.5, 2), 1.9, Verdict.MET),
        (at_least(1.5, 2), 2.1, Verdict.REACHED),
    ],
)
def test_a_target_is_missed_met_or_reached(target: Target, value: float, verdict: Verdict) -> None:
    assert target.verdict(value) is verdict


def test_a_ratio_is_that_of_the_medians() -> None:
    ours, theirs = over_rounds("ours", [10, 20, 90], "/s"), over_rounds("theirs", [10, 10, 30], "/s")
    assert ratio("ratio", ours, theirs).value == 2
    assert ratio("ratio", ours, theirs).rounds == (1, 2, 3)


def test_pages_keep_their_text_and_get_new_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PAGE", "SCALING"):
        page = tmp_path / name
        page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n", encoding="utf-8")
        monkeypatch.setattr(tables, name, page)
    monkeypatch.setattr(tables, "PLOT", tmp_path / "plot.svg")
    sections = [
        Section("Admissions", "How.", [over_rounds("admissions", [400, 410], "/s"), *costs("admissions")]),
        Section("Polls", "How.", [Figure("polls", 900, "/s", at_least(1000)), *costs("unchanged polls (304)")]),
        Section("Stages", "How.", [over_rounds("<stages>", [4, 6], "/s"), *costs("empty stages")]),
        Section("Stacks", "How.", [], Grid(["", "rate"], [["one stack", "7/s"]])),
    ]
    benchmarks, scaling, plot = tables.write(sections, {"machine": "this one"}, "the command")
    assert "| polls | 900/s | ≥ 1,000/s |  | missed |" in between(benchmarks)
    assert "| admissions | 405/s | 400 – 410 |" in between(benchmarks)
    assert "| one stack | 7/s |" in between(benchmarks)
    # One admission, 100 polls and 4 stages of a millisecond each.
    assert "| **in all** | 105.0 ms | 105.0 ms | 105.0 ms |" in between(scaling)
    assert "polls" in "".join(ElementTree.parse(plot).getroot().itertext())


def costs(name: str) -> list[Figure]:
    """One millisecond of every process."""
    return [Figure(f"{name}, CPU of {tree}", 1, "ms") for tree in ("server", "PostgreSQL", "Redis")]


def between(page: Path) -> str:
    """The text between the page's marks; the text around them is unchanged."""
    before, _, rest = page.read_text(encoding="utf-8").partition(tables.BEGIN)
    figures, _, after = rest.partition(tables.END)
    assert (before, after) == ("before\n", "\nafter\n")
    assert "old" not in figures
    return figures

"""`progress`: `update_course_progress`, called by several clients at once."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.environment.stand import Stand
from bench.environment.statements import SQL
from bench.load.crowd import Crowd
from bench.load.python_generator import LONGEST_S
from bench.reporting.figures import BenchError, Section, Size, below, over_rounds, percentile

CLIENTS = 8

HOW = (
    f"`update_course_progress` called by pgbench with {CLIENTS} connections on loopback, each call a prepared"
    " statement and a transaction of its own, which starts the second step of another course. Nothing else runs."
)

#: Each call has its own course.
SCRIPT = f"\\set n :client_id * :each + :i + 1\n\\set i :i + 1\n{SQL['move_second_step']};\n"


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Moves of a step a second, and their latency."""
    with Stand() as stand:
        log(f"update_course_progress, {size.rounds} rounds of {CLIENTS} × {size.moves} after a warm-up round")
        each = size.moves * (size.rounds + 1)
        Crowd(stand.database_url).add_started(CLIENTS * each)
        rounds = [_round(stand, size.moves, each, number) for number in range(size.rounds + 1)][1:]
    name = "`update_course_progress`"
    figures = [
        over_rounds(f"{name}, {share}", [percentile(latencies, at) for _, latencies in rounds], "ms", target)
        for share, at, target in (("p50", 0.5, None), ("p95", 0.95, below(10, 3)), ("p99", 0.99, None))
    ]
    rate = over_rounds("steps moved", [rate for rate, _ in rounds], "/s")
    return [Section(f"Moving a step, {CLIENTS} clients", HOW, [rate, *figures])]


def _round(stand: Stand, moves: int, each: int, number: int) -> tuple[float, list[float]]:
    """Calls a second, and each one's milliseconds."""
    folder = stand.folder / f"pgbench-{number}"
    folder.mkdir()
    script = folder / "move.sql"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [str(stand.postgres.bin_dir / "pgbench"), "--no-vacuum", "--protocol=prepared", "--log"]
    command += [f"--client={CLIENTS}", f"--transactions={moves}", f"--file={script}"]
    command += [f"--define=each={each}", f"--define=i={number * moves}", stand.database_url]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    if done.returncode:
        raise BenchError(f"pgbench failed: {done.stderr.strip()[-2000:]}")
    return _read_log(folder)


def _read_log(folder: Path) -> tuple[float, list[float]]:
    """Lines of: client, number, microseconds, script, end in seconds, and its microseconds."""
    lines = [line.split() for file in folder.glob("pgbench_log.*") for line in file.read_text().splitlines()]
    latencies = [int(line[2]) / 1000 for line in lines]
    ends = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
    began = min(end - latency / 1000 for end, latency in zip(ends, latencies, strict=True))
    return len(lines) / (max(ends) - began), latencies

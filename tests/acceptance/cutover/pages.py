"""The commands of a page of docs, run as they are written, in one shell."""

import os
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.supervision.watchdog import kill_group, watchdog

DOCS = Path(__file__).resolve().parents[3] / "docs"

#: How long a command may take.
COMMAND_S = 120


@dataclass(frozen=True)
class Step:
    """A command, and what it must print: `…` stands for anything, a line of it for any number of lines."""

    command: str
    expected: str

    def is_met_by(self, output: str) -> bool:
        expected = self.expected.replace("\n…\n", "…\n")
        pattern = ".*".join(re.escape(part) for part in expected.split("…"))
        return re.fullmatch(pattern.replace(re.escape(" "), " +"), output.strip(), re.DOTALL) is not None


def read_steps(page: str, heading: str = "") -> list[Step]:
    """The steps of every block of the page, or of those under the heading that begins so."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if heading:
        text = next(part for part in re.split(r"^## ", text, flags=re.MULTILINE) if part.startswith(heading))
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [step for block in blocks for step in _split(block)]


def _split(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield Step(command, expected.strip())


def read_block(page: str, language: str) -> str:
    """The page's only block of that language."""
    text = (DOCS / page).read_text(encoding="utf-8")
    [block] = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return str(block)


class Shell:
    """One shell, as an operator has it open: variables and background processes stay from step to step."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._log = folder / "shell.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "--norc"],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                process_group=0,
            )
        watchdog.add_group(self._process.pid)

    def run(self, step: Step) -> None:
        """Runs the step. Raises AssertionError if it fails, or does not print what the page says."""
        assert self._process.stdin is not None
        self._process.stdin.write(f'{step.command}\necho "<end $?>"\n'.encode())
        self._process.stdin.flush()
        output = self._read_to_end(step.command)
        said, _, code = output.rpartition("<end ")
        log = self._log.read_text(encoding="utf-8")[-2000:]
        assert code.strip() == "0>", f"{step.command}\n{said}\n{log}"
        assert step.is_met_by(said), f"{step.command}\nmust print\n{step.expected}\nand printed\n{said}"

    def _read_to_end(self, command: str) -> str:
        assert self._process.stdout is not None
        end, output = time.monotonic() + COMMAND_S, b""
        while not re.search(rb"<end \d+>\n\Z", output):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, end - time.monotonic()))
            assert ready, f"{command} took longer than {COMMAND_S} s:\n{output.decode()}"
            piece = os.read(self._process.stdout.fileno(), 65536)
            assert piece, f"the shell ended:\n{output.decode()}"
            output += piece
        return output.decode()

    def close(self) -> None:
        """Nothing of what the shell started is left."""
        kill_group(self._process.pid)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()
        watchdog.remove_group(self._process.pid)

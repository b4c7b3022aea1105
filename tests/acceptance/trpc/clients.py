"""The real client of tRPC, on Node."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FOLDER = Path(__file__).parent
#: What the tests need besides Python, and who installs it.
LACKING = "node and npm are not installed (Debian, Ubuntu: apt install nodejs npm; .ci/run does it)"


@dataclass(frozen=True)
class Done:
    """Of each call its `data` or `error`; and every request that was sent with its answer."""

    results: list[dict[str, Any]]
    exchanges: list[dict[str, Any]]

    def data(self) -> list[Any]:
        """The results of calls that all succeeded."""
        assert all(result.keys() == {"data"} for result in self.results), self.results
        return [result["data"] for result in self.results]

    def errors(self) -> list[Any]:
        """What the application would catch of calls that all failed: the `data` of each error."""
        for result in self.results:
            assert result.keys() == {"error"}, result
            assert result["error"]["name"] == "TRPCClientError"
        return [result["error"]["data"] for result in self.results]


class Clients:
    """A process of Node that calls with the client, on packages installed in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        for name in ("package.json", "package-lock.json", ".npmrc", "calls.mjs", "driver.mjs", "record.mjs"):
            shutil.copy(FOLDER / name, self._folder)
        done = subprocess.run(
            ["npm", "ci", "--no-progress"], cwd=self._folder, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, f"npm could not install the client:\n{done.stdout}{done.stderr}"
        self._process = subprocess.Popen(
            ["node", "driver.mjs"],
            cwd=self._folder,
            env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=10)

    def call(self, url: str, link: str, token: str, *calls: dict[str, Any]) -> Done:
        """What became of the calls, all made in one turn."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"url": f"{url}/trpc", "link": link, "headers": {"authorization": f"Bearer {token}"}, "calls": calls}
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))

    def record(self) -> list[Any]:
        """What the client and the real server say to each other."""
        done = subprocess.run(
            ["node", "record.mjs"], cwd=self._folder, capture_output=True, text=True, timeout=30, check=True
        )
        exchanges: list[Any] = json.loads(done.stdout)
        return exchanges

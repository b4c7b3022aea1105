"""The tools that build an image and run processes of it: docker, podman or buildah, whichever works here."""

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

#: Of the image, where the uploaded files are.
FILES_TARGET = "/srv/files"

#: $1: the root of a working container, $2: a folder of files, then a command. buildah has no option for a root that is
#: read-only, so it is mounted once more, in mounts that only this command sees. buildah itself writes to /run.
READ_ONLY = f"""
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs -o mode=755 tmpfs "$1/run"
mount --bind "$2" "$1{FILES_TARGET}"
mount -o remount,bind,ro "$1{FILES_TARGET}"
shift 2
exec "$@"
"""


class EngineError(Exception):
    """No tool is at hand, or one failed."""


class Engine(ABC):
    """As a context manager it runs processes of one image, and leaves none behind."""

    def __init__(self, tool: str, image: str) -> None:
        self.tool = tool
        self.image = image

    def build(self, base: str, version: str, options: Sequence[str]) -> None:
        """The image is built from the Dockerfile of the current folder. Raises `EngineError`."""
        # Images of OCI's own format have no HEALTHCHECK.
        form = [] if self.tool == "docker" else ["--format", "docker"]
        arguments = ["--build-arg", f"BASE={base}", "--build-arg", f"VERSION={version}", "--tag", self.image]
        call("the build", [self.tool, "build", *form, *arguments, *options, "."])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def command(self, name: str, argv: Sequence[str], environment: Mapping[str, str], files: Path) -> list[str]:
        """What runs `argv` as the image's user, with a read-only root, a /tmp of its own and the host's network."""

    @abstractmethod
    def size_mb(self, image: str) -> int:
        """The size of the image's files, in millions of bytes."""

    @abstractmethod
    def close(self) -> None:
        """No container is left."""


class Docker(Engine):
    """docker, or podman, which takes the same arguments."""

    def __init__(self, tool: str, image: str) -> None:
        super().__init__(tool, image)
        self._names: list[str] = []

    def command(self, name: str, argv: Sequence[str], environment: Mapping[str, str], files: Path) -> list[str]:
        container = f"course-image-{os.getpid()}-{name}"
        self._names.append(container)
        options = ["--rm", "--name", container, "--network", "host", "--read-only", "--tmpfs", "/tmp"]
        options += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        options += ["--volume", f"{files}:{FILES_TARGET}:ro", *_variables(environment)]
        return [self.tool, "run", *options, self.image, *argv]

    def size_mb(self, image: str) -> int:
        return int(output([self.tool, "image", "inspect", "--format", "{{.Size}}", image])) // 10**6

    def close(self) -> None:
        if self._names:
            subprocess.run([self.tool, "rm", "--force", *self._names], capture_output=True, check=False)


class Buildah(Engine):
    """buildah, by root. The processes share a working container, which none of them can write to."""

    def __enter__(self) -> Self:
        self._container = output([self.tool, "from", self.image])
        self._root = Path(output([self.tool, "mount", self._container]))
        return self

    def command(self, name: str, argv: Sequence[str], environment: Mapping[str, str], files: Path) -> list[str]:
        options = ["--isolation", "chroot", "--network", "host", "--no-hosts", "--cap-drop", "ALL"]
        run = [self.tool, "run", *options, *_variables(environment), self._container, "--", *argv]
        return ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(self._root), str(files), *run]

    def size_mb(self, image: str) -> int:
        container = output([self.tool, "from", image])
        try:
            root = output([self.tool, "mount", container])
            return int(output(["du", "--summarize", "--one-file-system", "--block-size=1", root]).split()[0]) // 10**6
        finally:
            output([self.tool, "rm", container])

    def close(self) -> None:
        output([self.tool, "rm", self._container])


def find_engine(image: str, tools: Sequence[str] = ("docker", "podman", "buildah")) -> Engine:
    """The first of the tools that works here. Raises `EngineError` when there is none."""
    for tool in tools:
        if shutil.which(tool) is None or subprocess.run([tool, "info"], capture_output=True, check=False).returncode:
            continue
        if tool != "buildah":
            return Docker(tool, image)
        if os.geteuid() != 0:
            raise EngineError("buildah runs processes of an image only for root")
        return Buildah(tool, image)
    raise EngineError(f"it needs a tool that works here: {' or '.join(tools)}")


def call(what: str, argv: Sequence[str]) -> None:
    """The command succeeded; it printed where we print. Raises `EngineError`."""
    if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise EngineError(f"{what} failed")


def output(argv: Sequence[str]) -> str:
    """What the command prints. Raises `EngineError`."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineError(f"{' '.join(argv)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _variables(environment: Mapping[str, str]) -> list[str]:
    return [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]

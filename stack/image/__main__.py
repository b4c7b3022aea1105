"""`make image`: builds the image, measures it, and generates a course with every process run from it."""

import argparse
import os
import sys
import time

import psycopg

from app.settings import VERSION
from stack.demo import generate, plain_console
from stack.examples import FILES
from stack.image.debootstrap import debootstrapped_base
from stack.image.engines import Engine, EngineError, call, find_engine
from stack.interrupts import raise_on_signals
from stack.server import ServerStartError, free_port
from stack.services import Stack, StackError
from tasks.supervision.supervisor import Command

IMAGE = f"course-generation:{VERSION}"
BASE = "python:3.13-slim"
#: What the image may add to its base, in millions of bytes.
LIMIT_MB = 250

#: What runs from it, as compose.yaml says.
COMMANDS = {
    "migrate": ["coursegen", "migrate"],
    "api": ["coursegen", "api"],
    "worker": ["coursegen", "worker", "--only", "stages"],
    "upkeep": ["coursegen", "worker", "--only", "upkeep"],
    "webhooks": ["coursegen", "worker", "--only", "webhooks"],
    "console": ["coursegen", "console"],
}
#: Settings that the image has itself.
OF_THE_IMAGE = ("FILES_ROOT", "APP_ENV")

#: Run in the image: what it may not do, it can't.
PROBE = """
import errno, os, pathlib
assert os.getuid() != 0
for folder in ("/", "/service", "/venv", "/srv/files"):
    try:
        pathlib.Path(folder, "probe").touch()
    except OSError as error:
        assert error.errno == errno.EROFS, (folder, error)
    else:
        raise AssertionError(folder)
pathlib.Path("/tmp/probe").touch()
"""


class ImageStack(Stack):
    """The stack with its processes run from the image."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(console_port=free_port())
        self._engine = engine

    def _migration(self) -> Command:
        return self._contained("migrate")

    def _processes(self) -> list[Command]:
        return [self._contained(name) for name in COMMANDS if name != "migrate"]

    def _contained(self, name: str) -> Command:
        settings = {key: value for key, value in self._settings().items() if key not in OF_THE_IMAGE}
        argv = self._engine.command(name, COMMANDS[name], settings, FILES)
        return Command(name, argv, os.environ, self.log(name))


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make image", description=__doc__)
    parser.add_argument("--base", default=BASE, help='an image, or "debootstrap" to make one from a Debian mirror')
    parser.add_argument("options", nargs="*", help="further options of the tool's build command")
    arguments = parser.parse_args()
    raise_on_signals()
    try:
        if arguments.base == "debootstrap":
            engine, base = find_engine(IMAGE, ["buildah"]), debootstrapped_base()
        else:
            engine, base = find_engine(IMAGE), arguments.base
        _build(engine, base, arguments.options)
        with engine:
            call("the probe of its file system", engine.command("probe", ["python", "-c", PROBE], {}, FILES))
            with ImageStack(engine) as stack:
                generate(stack, plain_console())
    except StackError as error:
        print(f"The image failed: {error}\n{error.tails}", file=sys.stderr)
    except (EngineError, ServerStartError, psycopg.Error, OSError) as error:
        print(f"The image failed: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    else:
        print(f"{IMAGE} works.")
        return 0
    return 1


def _build(engine: Engine, base: str, options: list[str]) -> None:
    """The image is built and small enough. Raises `EngineError`."""
    started = time.monotonic()
    engine.build(base, VERSION, options)
    seconds = time.monotonic() - started
    added = engine.size_mb(IMAGE) - engine.size_mb(base)
    print(f"{IMAGE}: built by {engine.tool} in {seconds:.0f} s, {added} MB beyond {base}", flush=True)
    if added > LIMIT_MB:
        raise EngineError(f"the image adds more than {LIMIT_MB} MB to its base")


if __name__ == "__main__":
    sys.exit(main())

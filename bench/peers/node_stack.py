"""The Node stack in `bench/peers/node`; npm installs its libraries into the user's cache."""

import hashlib
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from bench.environment.debian_tools import ToolMissing
from bench.environment.user_cache import cached_folder
from bench.peers.stack import Stack
from stack.scratch import scratch_folder

SOURCE = Path(__file__).with_name("node")
PACKAGE = ("package.json", "package-lock.json", ".npmrc")
INSTALL_S = 240.0

#: Libraries with the most influence on the figures.
LIBRARIES = ("@trpc/server", "express", "bullmq", "ioredis", "pg")


def find_node_stack() -> Stack:
    """The Node stack, installed. Raises `ToolMissing`."""
    folder = node_folder()
    return Stack(
        "Express + tRPC + BullMQ",
        "node",
        redis_database=1,
        api=["node", str(folder / "api.mjs")],
        worker=["node", str(folder / "worker.mjs")],
        request=lambda course, generation_id: course.initiate(generation_id),
    )


def node_versions() -> str:
    """The versions of Node and of the libraries. Raises `ToolMissing`."""
    folder = node_folder()
    manifests = [folder / "node_modules" / name / "package.json" for name in LIBRARIES]
    found = [json.loads(manifest.read_text(encoding="utf-8")) for manifest in manifests]
    return ", ".join([f"Node {_node_version()}", *(f"{each['name']} {each['version']}" for each in found)])


@cache
def node_folder() -> Path:
    """The scripts beside their libraries, until this process ends. Raises `ToolMissing`."""
    if missing := [name for name in ("node", "npm") if not shutil.which(name)]:
        raise ToolMissing(f"{' and '.join(missing)} not found: install Node 20 or later")
    contents = b"".join((SOURCE / name).read_bytes() for name in PACKAGE) + _node_version().encode()
    libraries = cached_folder(f"peer-{hashlib.sha256(contents).hexdigest()[:16]}", _install)
    folder = scratch_folder("course-peer-")
    for script in (*SOURCE.glob("*.mjs"), SOURCE / "package.json"):
        shutil.copy(script, folder)
    (folder / "node_modules").symlink_to(libraries / "node_modules")
    return folder


def _install(folder: Path) -> None:
    for name in PACKAGE:
        shutil.copy(SOURCE / name, folder)
    command = ["npm", "ci", "--prefer-offline"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise ToolMissing(f"npm ci took longer than {INSTALL_S:.0f} s") from None
    if done.returncode:
        raise ToolMissing(f"npm ci failed: {done.stderr.strip()[-500:]}")


def _node_version() -> str:
    printed = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return printed.strip().removeprefix("v")

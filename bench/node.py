"""The other stack, in Node: `bench/peer`, installed by npm into a folder of its own outside the checkout."""

import hashlib
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from bench.cache import cached_folder
from bench.tools import ToolMissing
from stack.scratch import scratch_folder

SOURCE = Path(__file__).with_name("peer")
PACKAGE = ("package.json", "package-lock.json", ".npmrc")
INSTALL_S = 240.0

#: Those whose version the figures depend on most.
LIBRARIES = ("@trpc/server", "express", "bullmq", "ioredis", "pg")


@cache
def peer_folder() -> Path:
    """The scripts beside their libraries, for as long as this process lives. Raises `ToolMissing`."""
    if missing := [name for name in ("node", "npm") if not shutil.which(name)]:
        raise ToolMissing(f"{' and '.join(missing)} not found: install Node 20 or later to compare with its stack")
    contents = b"".join((SOURCE / name).read_bytes() for name in PACKAGE) + _node_version().encode()
    libraries = cached_folder(f"peer-{hashlib.sha256(contents).hexdigest()[:16]}", _install)
    folder = scratch_folder("course-peer-")
    for script in (*SOURCE.glob("*.mjs"), SOURCE / "package.json"):
        shutil.copy(script, folder)
    (folder / "node_modules").symlink_to(libraries / "node_modules")
    return folder


def versions() -> str:
    """Node's and its libraries', or what is missing."""
    try:
        folder = peer_folder()
    except ToolMissing as error:
        return f"not measured: {error}"
    manifests = [folder / "node_modules" / name / "package.json" for name in LIBRARIES]
    found = [json.loads(manifest.read_text(encoding="utf-8")) for manifest in manifests]
    return ", ".join([f"Node {_node_version()}", *(f"{each['name']} {each['version']}" for each in found)])


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
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().removeprefix("v")

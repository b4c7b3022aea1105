"""Temporary folders of one run, and the user whose processes write into them."""

import atexit
import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.interrupts import held

#: Removes a folder once standard input is closed, even while a server that is being stopped still writes into it.
REMOVE = 'trap "" HUP INT TERM; cat; for _ in $(seq 100); do rm -rf -- "$1"; test -e "$1" || exit 0; sleep 0.1; done'

#: The process that removes each folder. Its standard input is closed at the latest when this process has ended.
_removers: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Account:
    """The user a server runs as."""

    uid: int
    gid: int

    def identity(self) -> dict[str, Any]:
        """The arguments that make `subprocess` run a command as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, folder: Path) -> bool:
        """Whether a process of this user can enter the folder."""
        command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
        return (
            subprocess.run(command, cwd="/", stderr=subprocess.DEVNULL, check=False, **self.identity()).returncode == 0
        )


def unprivileged_account() -> Account | None:
    """The account `nobody` when we are root, None when we are not: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(entry.pw_uid, entry.pw_gid)


def scratch_folder(prefix: str) -> Path:
    """A new temporary folder, removed when this process is gone at the latest.

    Run by root it may be entered (not listed) by others, and it lies where the unprivileged account can reach it.
    """
    account = unprivileged_account()
    bases = dict.fromkeys(Path(base).resolve() for base in (tempfile.gettempdir(), "/tmp", "/var/tmp"))
    for base in bases:
        if account is None or account.reaches(base):
            with held():
                folder = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
                add_folder(folder)
            if account is not None:
                folder.chmod(0o711)
            return folder
    raise PermissionError(f"no temporary folder that user id {account and account.uid} can enter: set TMPDIR to one")


def add_folder(folder: Path) -> None:
    """Registers a folder that is removed when this process has ended in any way."""
    # A session of its own: Ctrl-C must not end it before its work is done.
    _removers[folder] = subprocess.Popen(
        ["/bin/sh", "-c", REMOVE, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def remove_folder(folder: Path) -> None:
    """The folder and all in it are gone, if it was added; a second call does nothing."""
    remover = _removers.pop(folder, None)
    if remover is not None:
        remover.communicate()


@atexit.register
def _remove_folders() -> None:
    for folder in list(_removers):
        remove_folder(folder)

"""Folders of our own for one run, and the user whose processes write into them."""

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.supervision.interrupts import held
from tasks.supervision.watchdog import watchdog


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
                watchdog.add_folder(folder)
            if account is not None:
                folder.chmod(0o711)
            return folder
    raise PermissionError(f"no temporary folder that user id {account and account.uid} can enter: set TMPDIR to one")

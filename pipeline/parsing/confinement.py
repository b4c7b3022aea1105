"""What a process gives up before it reads a hostile file. The kernel enforces it, also when the process is taken over.

The limits hold everywhere. The rest is Linux's, and is left out where the system forbids it: `docs/documents.md`.
"""

import ctypes
import resource
import signal
import sys
from contextlib import suppress

#: Files that it may hold open at once.
OPEN_FILES = 64

_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS
_NAMESPACES = 0x10000000 | 0x40000000  # CLONE_NEWUSER, which anybody may, and with it CLONE_NEWNET
_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # Landlock's, the same on every architecture
_VERSION = 1  # asks for the version in place of a ruleset
# Reading files and folders, which libraries do when they are imported.
_READING = 1 << 2 | 1 << 3
#: How many of the rights to files each version of Landlock knows; the last number holds for later ones.
_FILE_RIGHTS = (13, 14, 15, 15, 16)


class _Ruleset(ctypes.Structure):
    """What a Landlock domain may not do, unless a rule allows it: of files, of TCP, beyond the domain."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def confine(seconds: int, memory: int, alarm: int) -> None:
    """From now on this process has `seconds` of processor time, `memory` bytes, and ends `alarm` seconds later.

    It starts no process, writes no file, gains no privilege, reaches no network and reads no other process's memory or
    environment. (Root may still start processes.)
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        libc.unshare(_NAMESPACES)
        _enter_domain(libc)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM, signal.SIGXCPU})
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(alarm)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, memory),
    ):
        with suppress(ValueError, OSError):  # not every system can
            resource.setrlimit(limit, (most, most))


def _enter_domain(libc: ctypes.CDLL) -> None:
    """In a Landlock domain without a rule. Ignores the error of a kernel without Landlock."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return
    files = (1 << _FILE_RIGHTS[min(version, len(_FILE_RIGHTS)) - 1]) - 1
    ruleset = _Ruleset(files=files & ~_READING, network=0b11, scoped=0b11)
    size = 8 if version < 4 else 16 if version < 6 else 24
    domain = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    libc.syscall(_RESTRICT_SELF, domain, 0)

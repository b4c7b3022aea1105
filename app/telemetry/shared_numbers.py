"""Numbers that several processes count together, in memory that has no name, so that no folder or disk is needed.

Each process writes to a slot of its own and reads those of all. The slot of a process that has ended keeps its numbers
until another process takes it over and counts on.
"""

import fcntl
import mmap
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress

#: The size of a slot: several thousand numbers with their keys. What does not fit is not counted.
SLOT_BYTES = 1 << 18
_WORD = 8


class NumberTable:
    """Lists of numbers by key, in memory that one process writes, from several threads, and any process reads.

    In words of eight bytes: how many are used; then for each key its length, how many numbers it has, the key, and the
    numbers. A key is counted as used only once it is whole.
    """

    def __init__(self, memory: memoryview) -> None:
        self._bytes = memory
        self._integers = memory.cast("q")
        # Each number is written at once, so that no reader sees half of it.
        self._numbers = memory.cast("d")
        self._lock = threading.Lock()
        self._places = {key: place for key, place, _ in self._entries()}

    def add(self, key: bytes, size: int, amounts: dict[int, float]) -> bool:
        """Adds to some of the `size` numbers of the key, which begin at zero. False if a new key does not fit."""
        with self._lock:
            place = self._places.get(key) or self._make(key, size)
            if place:
                for index, amount in amounts.items():
                    self._numbers[place + index] += amount
        return bool(place)

    def clear(self, prefix: bytes) -> None:
        """The numbers of the keys that begin so are zero."""
        for key, place, size in self._entries():
            if key.startswith(prefix):
                for index in range(size):
                    self._numbers[place + index] = 0.0

    def read(self) -> dict[bytes, list[float]]:
        """Every key's numbers."""
        return {key: list(self._numbers[place : place + size]) for key, place, size in self._entries()}

    def _entries(self) -> Iterator[tuple[bytes, int, int]]:
        """Each key, where its numbers begin, and how many it has."""
        at, end = 1, self._integers[0]
        while at < end:
            length, size = self._integers[at], self._integers[at + 1]
            begin = (at + 2) * _WORD
            place = at + 2 + _words(length)
            yield bytes(self._bytes[begin : begin + length]), place, size
            at = place + size

    def _make(self, key: bytes, size: int) -> int:
        at = max(1, self._integers[0])
        place = at + 2 + _words(len(key))
        if place + size > len(self._integers):
            return 0
        self._integers[at], self._integers[at + 1] = len(key), size
        self._bytes[(at + 2) * _WORD : (at + 2) * _WORD + len(key)] = key
        self._integers[0] = place + size
        self._places[key] = place
        return place


class SharedNumbers:
    """A table for each of so many processes. Made before they are forked."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._file = _make_file()
        os.truncate(self._file, slots * SLOT_BYTES)
        self._memory = memoryview(mmap.mmap(self._file, slots * SLOT_BYTES))
        self._own: int | None = None

    def close(self) -> None:
        """Gives the memory back, once no process uses it."""
        os.close(self._file)

    def claim(self) -> NumberTable | None:
        """The table of this process until the process ends, or None if all are taken."""
        for slot in range(self._slots):
            if self._lock(slot):
                self._own = slot
                return self._table(slot)
        return None

    def tables(self) -> list[tuple[NumberTable, bool]]:
        """Each table, and whether its process lives."""
        return [(self._table(slot), self._lives(slot)) for slot in range(self._slots)]

    def _table(self, slot: int) -> NumberTable:
        return NumberTable(self._memory[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES])

    def _lives(self, slot: int) -> bool:
        if slot == self._own:
            return True
        if self._lock(slot):
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, slot)
            return False
        return True

    def _lock(self, slot: int) -> bool:
        """Whether this process has the slot's lock now. It is the process's own, and not inherited by a fork."""
        with suppress(OSError):
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
            return True
        return False


def _make_file() -> int:
    """A file without a name: on Linux in memory, so that no full disk can end the process that writes to it."""
    if sys.platform == "linux":
        return os.memfd_create("counters")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _words(length: int) -> int:
    return -(-length // _WORD)

"""Batches: calls that several threads make at the same moment are carried out together."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

#: Calls of one batch, at most.
MAX_BATCH = 64
#: The longest wait for callers of the last batch to call again: one batch of eight costs half of what four of two do.
GATHER_S = 0.010

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Collects concurrent calls and passes them to `answer` as one batch, one batch at a time.

    If the batcher is idle, a call runs immediately. Calls that arrive meanwhile form the next batch, which runs in the
    thread that has waited longest. Within 10 ms after a batch, the next one waits for as many calls as it had.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._waiting: deque[_Call[Q, A]] = deque()
        self._busy = False
        self._expected = 0
        self._finished_at = 0.0
        self._all_here = threading.Event()

    @property
    def waiting(self) -> int:
        """How many calls wait for a batch that has not begun."""
        return len(self._waiting)

    def run(self, question: Q) -> A:
        """Returns the answer to the question. Raises what `answer` raised, in each caller of the batch."""
        own: _Call[Q, A] = _Call(question)
        with self._lock:
            self._waiting.append(own)
            waits, self._busy = self._busy, True
            if len(self._waiting) >= self._expected:
                self._all_here.set()
        if waits:
            own.turn.acquire()
        if not own.settled:
            self._run_batch()
        if own.error is not None:
            raise own.error
        return cast(A, own.answer)

    def _run_batch(self) -> None:
        """Settles the calls that wait, the caller's first, and passes the turn to the first that came since."""
        self._gather()
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        try:
            for call, answer in zip(batch, self._answer([call.question for call in batch]), strict=True):
                call.answer, call.settled = answer, True
        except BaseException as error:  # noqa: BLE001 - raised again in each of the threads, this one among them
            for call in batch:
                call.error, call.settled = error, True
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._busy = following is not None
            # All but one: that one may not call again, and a lone caller is not waited for.
            self._expected = min(MAX_BATCH, len(batch) + len(self._waiting) - 1)
            self._finished_at = time.monotonic()
        if following is not None:
            following.turn.release()
        for call in batch[1:]:
            call.turn.release()

    def _gather(self) -> None:
        with self._lock:
            self._all_here.clear()
            wait_s = self._finished_at + GATHER_S - time.monotonic()
            missing = len(self._waiting) < self._expected
        if missing and wait_s > 0:
            self._all_here.wait(wait_s)


class _Call(Generic[Q, A]):
    """A question; `turn` is released when it is settled, or when its thread has to run the next batch."""

    __slots__ = ("answer", "error", "question", "settled", "turn")

    def __init__(self, question: Q) -> None:
        self.question = question
        self.settled = False
        self.answer: A | None = None
        self.error: BaseException | None = None
        self.turn = threading.Lock()  # lighter than an event
        self.turn.acquire()

"""Batches: calls that several threads make at the same moment are carried out together."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar, cast

#: Calls of one batch, at most.
MAX_BATCH = 64
#: The longest wait for expected calls: one batch of eight costs half of what four of two do.
GATHER_S = 0.010

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Collects concurrent calls and passes them to `answer` as one batch, one batch at a time.

    Calls that arrive while a batch runs form the next one, which runs in the thread that has waited longest. A batch
    waits for the calls of other threads that are in `expecting`, for 10 ms at most. Without such, a call to an idle
    batcher runs immediately.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        self._answer = answer
        self._changed = threading.Condition()
        self._waiting: deque[_Call[Q, A]] = deque()
        self._busy = False
        self._expected = 0

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Within the block this thread may soon call `run`, so others wait for it a moment."""
        with self._changed:
            self._expected += 1
        try:
            yield
        finally:
            with self._changed:
                self._expected -= 1
                self._notify_if_complete()

    @property
    def waiting(self) -> int:
        """How many calls wait for a batch that has not begun."""
        return len(self._waiting)

    def run(self, question: Q) -> A:
        """Returns the answer to the question. Raises what `answer` raised, in each caller of the batch."""
        own: _Call[Q, A] = _Call(question)
        with self._changed:
            self._waiting.append(own)
            waits, self._busy = self._busy, True
            self._notify_if_complete()
        if waits:
            own.turn.acquire()
        if not own.settled:
            self._run_batch()
        if own.error is not None:
            raise own.error
        return cast(A, own.answer)

    def _run_batch(self) -> None:
        """Settles the calls that wait, the caller's first, and passes the turn to the first that came since."""
        with self._changed:
            self._changed.wait_for(self._is_complete, GATHER_S)
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        try:
            for call, answer in zip(batch, self._answer([call.question for call in batch]), strict=True):
                call.answer, call.settled = answer, True
        except BaseException as error:  # noqa: BLE001 - raised again in each of the threads, this one among them
            for call in batch:
                call.error, call.settled = error, True
        with self._changed:
            following = self._waiting[0] if self._waiting else None
            self._busy = following is not None
        if following is not None:
            following.turn.release()
        for call in batch[1:]:
            call.turn.release()

    def _is_complete(self) -> bool:
        return len(self._waiting) >= min(MAX_BATCH, self._expected)

    def _notify_if_complete(self) -> None:
        if self._is_complete():
            self._changed.notify()


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

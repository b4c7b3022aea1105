"""Batches: what several threads ask at the same moment is asked once.

Whoever asks while nothing is under way asks at once, so that a lone request waits for nothing. Those who come meanwhile
wait, and go together in the next batch, which the one who has waited longest carries out for all. So the size of a
batch follows the load, without a thread. Under load a batch waits a moment for those that the last one has answered:
they come again at the same time, and one batch of eight costs half of what four of two do.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

#: Questions of one batch, at most.
MOST = 64
#: The longest wait for those who asked lately.
GATHER_S = 0.020

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Asks `answer`, which takes several questions and returns their answers in the same order, one batch at a time.

    It runs in the thread that has waited longest and so has the nearest deadline: the others wait for no other end.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._waiting: deque[_Asked[Q, A]] = deque()
        self._busy = False
        self._expected = 0
        self._all_here = threading.Event()

    @property
    def waiting(self) -> int:
        """How many wait for a batch that has not begun."""
        return len(self._waiting)

    def ask(self, question: Q) -> A:
        """The answer to the question. Raises what `answer` raised, as it does for everyone of the same batch."""
        own: _Asked[Q, A] = _Asked(question)
        with self._lock:
            self._waiting.append(own)
            waits, self._busy = self._busy, True
            if len(self._waiting) == self._expected:
                self._all_here.set()
        if waits:
            own.turn.acquire()
        if not own.settled:
            self._answer_all()
        return own.outcome()

    def _answer_all(self) -> None:
        """Those who wait, the caller first, have their outcomes, and it is the turn of the first who came since."""
        self._gather()
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            for asked, answer in zip(batch, self._answer([asked.question for asked in batch]), strict=True):
                asked.answer, asked.settled = answer, True
        except BaseException as error:  # noqa: BLE001 - raised again in each of the threads, this one among them
            for asked in batch:
                asked.error, asked.settled = error, True
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._busy = following is not None
            # One may not come again, and a lone one is not waited for at all.
            self._expected = min(MOST, len(batch) + len(self._waiting) - 1)
        if following is not None:
            following.turn.release()
        for asked in batch[1:]:
            asked.turn.release()

    def _gather(self) -> None:
        """Most of those who asked lately wait by now, or don't come within a moment."""
        with self._lock:
            self._all_here.clear()
            missing = len(self._waiting) < self._expected
        if missing:
            self._all_here.wait(GATHER_S)


class _Asked(Generic[Q, A]):
    """A question; `turn` is released when it is settled, or when its thread is to answer all."""

    __slots__ = ("answer", "error", "question", "settled", "turn")

    def __init__(self, question: Q) -> None:
        self.question = question
        self.settled = False
        self.answer: A | None = None
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()

    def outcome(self) -> A:
        if self.error is not None:
            raise self.error
        return cast(A, self.answer)

"""What several threads ask at the same moment is asked once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from app.generation import batching
from app.generation.batching import MAX_BATCH, Batcher
from tests.conftest import WaitUntil


class Oracle:
    """Answers a number with its double, once it may; notes what was asked together and by which thread."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: list[int] = []
        self.may = threading.Event()
        self.may.set()

    def answer(self, questions: Sequence[int]) -> list[int]:
        self.batches.append(list(questions))
        self.threads.append(threading.get_ident())
        assert self.may.wait(20)
        if any(question < 0 for question in questions):
            raise ValueError("a number below nought")
        return [2 * question for question in questions]


@contextmanager
def asked_meanwhile(
    oracle: Oracle, batcher: Batcher[int, int], wait_until: WaitUntil, questions: Sequence[int]
) -> Iterator[list["Future[int]"]]:
    """The first question is being answered and the others wait, in this order, until the block is left."""
    oracle.may.clear()
    with ThreadPoolExecutor(len(questions)) as pool:
        futures = []
        for position, question in enumerate(questions):
            futures.append(pool.submit(batcher.run, question))
            wait_until(lambda: oracle.batches, 10)
            wait_until(lambda waiting=position: batcher.waiting == waiting, 10)  # type: ignore[misc]
        yield futures
        oracle.may.set()


@contextmanager
def another_is_expected(batcher: Batcher[int, int]) -> Iterator[threading.Event]:
    """Another thread is expected to call, until the event is set or the block is left."""
    arrived, leaves = threading.Event(), threading.Event()

    def expect() -> None:
        with batcher.expecting():
            arrived.set()
            leaves.wait(20)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(expect)
        assert arrived.wait(20)
        try:
            yield leaves
        finally:
            leaves.set()


def test_a_lone_question_is_asked_at_once_by_its_own_thread_also_after_a_batch(
    wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "GATHER_S", 60.0)
    oracle = Oracle()
    batcher = Batcher(oracle.answer)
    with asked_meanwhile(oracle, batcher, wait_until, [1, 2, 3, 4]):
        pass
    oracle.threads.clear()
    with batcher.expecting():
        assert [batcher.run(5), batcher.run(6)] == [10, 12]
    assert oracle.batches == [[1], [2, 3, 4], [5], [6]]
    assert set(oracle.threads) == {threading.get_ident()}


def test_those_who_come_meanwhile_go_together_in_their_order(wait_until: WaitUntil) -> None:
    oracle = Oracle()
    with asked_meanwhile(oracle, batcher := Batcher(oracle.answer), wait_until, [1, 2, 3, 4]) as futures:
        assert oracle.batches == [[1]]
    assert [future.result() for future in futures] == [2, 4, 6, 8]
    assert oracle.batches == [[1], [2, 3, 4]]
    assert batcher.waiting == 0


def test_a_batch_waits_for_a_call_that_is_expected(wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "GATHER_S", 60.0)
    batcher = Batcher((oracle := Oracle()).answer)

    def ask(question: int) -> int:
        with batcher.expecting():
            return batcher.run(question)

    with ThreadPoolExecutor(2) as pool:
        with another_is_expected(batcher) as leaves, batcher.expecting():
            early = pool.submit(batcher.run, 5)
            wait_until(lambda: batcher.waiting == 1, 10)
            late = pool.submit(ask, 6)
            wait_until(lambda: batcher.waiting == 2, 10)
            assert oracle.batches == []
            leaves.set()
        assert [early.result(20), late.result(20)] == [10, 12]
    assert oracle.batches == [[5, 6]]


def test_a_batch_goes_on_once_the_expected_caller_has_left(
    wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "GATHER_S", 60.0)
    batcher = Batcher((oracle := Oracle()).answer)
    with another_is_expected(batcher) as first, another_is_expected(batcher) as second, ThreadPoolExecutor(1) as pool:
        early = pool.submit(batcher.run, 5)
        wait_until(lambda: batcher.waiting == 1, 10)
        assert oracle.batches == []
        first.set()
        assert early.result(20) == 10
        assert not second.is_set()


def test_a_caller_who_never_calls_is_waited_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "GATHER_S", 0.01)
    batcher = Batcher(Oracle().answer)
    with another_is_expected(batcher), another_is_expected(batcher):
        assert batcher.run(5) == 10


def test_an_error_is_everyones_of_the_batch_and_nobody_elses(wait_until: WaitUntil) -> None:
    oracle = Oracle()
    batcher = Batcher(oracle.answer)
    with asked_meanwhile(oracle, batcher, wait_until, [1, 2, -3]) as futures:
        pass
    assert futures[0].result() == 2
    for future in futures[1:]:
        with pytest.raises(ValueError, match="nought"):
            future.result()
    assert batcher.run(4) == 8


def test_too_few_answers_are_an_error_rather_than_the_wrong_ones() -> None:
    batcher: Batcher[int, int] = Batcher(lambda questions: [])
    with pytest.raises(ValueError, match="shorter"):
        batcher.run(1)


def test_no_batch_is_larger_than_the_most(wait_until: WaitUntil) -> None:
    oracle = Oracle()
    with asked_meanwhile(oracle, Batcher(oracle.answer), wait_until, range(MAX_BATCH + 2)) as futures:
        pass
    assert [future.result() for future in futures] == [2 * question for question in range(MAX_BATCH + 2)]
    assert [len(batch) for batch in oracle.batches] == [1, MAX_BATCH, 1]


def test_many_threads_each_get_their_own_answer() -> None:
    oracle = Oracle()
    batcher = Batcher(oracle.answer)
    ask: Callable[[int], bool] = lambda question: batcher.run(question) == 2 * question  # noqa: E731
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(2000)))
    assert sum(map(len, oracle.batches)) == 2000

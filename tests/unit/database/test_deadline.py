"""Deadlines on real sockets: what hangs is ended, what is done in time is left alone."""

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from app.database.deadline import SocketGuard, deadline, remaining

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends of a TCP connection over the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        near.settimeout(10)
        far.settimeout(10)
        yield near, far


def test_a_read_that_hangs_ends_when_its_time_is_up(pair: Pair) -> None:
    near, _ = pair
    began = time.monotonic()
    with SocketGuard().guard(near.fileno(), 0.1):
        assert near.recv(1) == b""
    assert 0.1 <= time.monotonic() - began < 1


def test_the_other_end_is_closed(pair: Pair) -> None:
    near, far = pair
    with SocketGuard().guard(near.fileno(), 0.05):
        assert far.recv(1) == b""


def test_what_is_done_in_time_is_never_shut_down(pair: Pair) -> None:
    near, far = pair
    guard = SocketGuard()
    for _ in range(50):
        with guard.guard(near.fileno(), 0.05):
            far.sendall(b"x")
            assert near.recv(1) == b"x"
    with pytest.raises(TimeoutError):
        near.settimeout(0.15)
        near.recv(1)


def test_a_block_left_by_an_error_is_left(pair: Pair) -> None:
    near, far = pair
    with pytest.raises(KeyError), SocketGuard().guard(near.fileno(), 0.05):
        raise KeyError
    far.settimeout(0.15)
    with pytest.raises(TimeoutError):
        far.recv(1)


def test_no_time_left_is_an_end_at_once(pair: Pair) -> None:
    near, _ = pair
    for seconds in (0.0, -1.0):
        with SocketGuard().guard(near.fileno(), seconds):
            assert near.recv(1) == b""


def test_the_nearest_end_comes_first_in_any_order() -> None:
    guard = SocketGuard()
    pairs = [socket.socketpair() for _ in range(5)]
    ended: list[float] = []

    def wait(near: socket.socket, seconds: float) -> None:
        with guard.guard(near.fileno(), seconds):
            near.recv(1)
        ended.append(seconds)

    times = [0.5, 0.1, 0.3, 0.2, 0.4]
    threads = [threading.Thread(target=wait, args=(near, s)) for (near, _), s in zip(pairs, times, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == sorted(times)
    for near, far in pairs:
        near.close()
        far.close()


def test_a_descriptor_used_again_by_another_socket_is_not_ended_for_the_first() -> None:
    guard = SocketGuard()
    first = socket.socketpair()
    number = first[0].fileno()
    with guard.guard(number, 0.1):
        pass
    for end in first:
        end.close()
    second = socket.socketpair()
    try:
        assert number in {end.fileno() for end in second}
        second[0].settimeout(0.25)
        with pytest.raises(TimeoutError):
            second[0].recv(1)
    finally:
        for end in second:
            end.close()


def test_a_socket_that_is_closed_already_does_not_end_the_guard(pair: Pair) -> None:
    guard = SocketGuard()
    gone = socket.socketpair()
    with guard.guard(gone[0].fileno(), 0.05):
        for end in gone:
            end.close()
        time.sleep(0.1)  # the guard's thread meets a number that names no socket
    near, _ = pair
    with guard.guard(near.fileno(), 0.05):
        assert near.recv(1) == b""


def test_a_forked_child_has_a_guard_of_its_own(pair: Pair) -> None:
    guard = SocketGuard()
    near, far = pair
    with guard.guard(near.fileno(), 5):
        pass
    # Starting a thread in a forked child is what is tested; the child does nothing else.
    pid = os.fork()
    if pid == 0:
        with guard.guard(near.fileno(), 0.1):
            os._exit(0 if near.recv(1) == b"" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert far.recv(1) == b""


def test_without_a_deadline_there_is_all_the_time() -> None:
    assert remaining(3.5) == 3.5


def test_what_remains_shrinks_to_nothing_and_not_below() -> None:
    with deadline(0.05):
        assert 0 < remaining(10) <= 0.05
        assert remaining(0.001) == 0.001
        time.sleep(0.06)
        assert remaining(10) == 0.0
    assert remaining(10) == 10


def test_a_deadline_is_one_of_its_own_thread() -> None:
    seen: list[float] = []
    with deadline(1):
        thread = threading.Thread(target=lambda: seen.append(remaining(60)))
        thread.start()
        thread.join()
    assert seen == [60]


def test_an_error_ends_the_deadline() -> None:
    with pytest.raises(KeyError), deadline(0):
        raise KeyError
    assert remaining(10) == 10

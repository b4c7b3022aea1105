"""The ports of `make run`."""

import socket

import pytest

from stack.run.__main__ import choose_port
from stack.server import HOST, free_port


def test_a_port_is_the_given_one_else_the_usual_one_else_any_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_PORT", "9")
    assert choose_port("CONSOLE_PORT", free_port()) == 9
    monkeypatch.delenv("CONSOLE_PORT")
    usual = free_port()
    assert choose_port("CONSOLE_PORT", usual) == usual
    assert choose_port("CONSOLE_PORT", usual, taken=usual) != usual  # the API will have it
    with socket.create_server((HOST, 0)) as listener:
        usual = listener.getsockname()[1]
        assert choose_port("CONSOLE_PORT", usual) != usual

"""`make run`: the whole service on this machine, kept up, with all that is needed to try it."""

import os
import socket
import sys
import time

import psycopg

from stack.interrupts import raise_on_signals
from stack.run.guide import guide
from stack.server import HOST, ServerStartError, free_port
from stack.services import TICK_S, Stack, StackError

USUAL_PORT = 8000
USUAL_CONSOLE_PORT = 8001


def main() -> int:
    """Runs until SIGINT or SIGTERM; returns the exit code."""
    raise_on_signals()
    try:
        port = choose_port("PORT", USUAL_PORT)
        with Stack(port, choose_port("CONSOLE_PORT", USUAL_CONSOLE_PORT, taken=port)) as stack:
            print("\n".join(guide(stack)), flush=True)
            while True:
                for line in stack.tend():
                    print(f"{line}; starting it again", flush=True)
                time.sleep(TICK_S)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 0
    except StackError as error:
        print(f"The stack failed: {error}", file=sys.stderr)
        if error.tails:
            print(error.tails, file=sys.stderr)
        return 1
    except (psycopg.Error, ServerStartError, OSError, ValueError) as error:
        print(f"The stack failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1


def choose_port(name: str, usual: int, taken: int | None = None) -> int:
    """That of the variable, else the usual one, else any that is free."""
    if given := os.environ.get(name):
        return int(given)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, usual))
        except OSError:
            return free_port()
    return free_port() if usual == taken else usual


if __name__ == "__main__":
    sys.exit(main())

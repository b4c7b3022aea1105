"""A load generator in Python, in a process of its own; each connection sends its next request once it is answered."""

import gc
import pickle
import re
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from bench.reporting.figures import BenchError, percentile
from stack.interrupts import held
from stack.server import HOST
from tasks.supervision.watchdog import kill_group, watchdog

CONNECTIONS = 16
SILENCE_S = 15.0
#: A load that takes longer is given up.
LONGEST_S = 300.0
#: Percentiles of the latency, by name.
SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
LAST_CHUNK = b"\r\n0\r\n\r\n"
NO_BODY = 304


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured: latencies by `SHARES`, answers by status, and the generator's own processor time."""

    seconds: float
    latencies_ms: dict[str, float]
    statuses: Counter[int]
    cpu_s: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.statuses.total() / self.seconds


@dataclass(slots=True)
class _Client:
    sock: socket.socket
    sent_at: float = 0.0
    answer: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        self.answer.clear()
        self.sent_at = time.perf_counter()
        self.sock.sendall(request)

    def receive(self) -> int | None:
        """Returns the status once the answer is complete. Raises `BenchError` if the server closes the connection."""
        if not (data := self.sock.recv(65536)):
            raise BenchError("the server closed a connection")
        self.answer += data
        if (head := self.answer.find(b"\r\n\r\n")) < 0:
            return None
        status = int(self.answer[9:12])
        if status == NO_BODY:
            return status
        if _CHUNKED.search(self.answer, 0, head):
            return status if self.answer.endswith(LAST_CHUNK) else None
        if (length := _LENGTH.search(self.answer, 0, head)) is None:
            raise BenchError("an answer has no length")
        return status if len(self.answer) >= head + 4 + int(length[1]) else None


def request_bytes(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def send_all(port: int, requests: list[bytes], connections: int = CONNECTIONS) -> Load:
    """Sends every request once, and returns when all are answered. Raises `BenchError`."""
    with held():
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.load.python_generator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        watchdog.add_group(process.pid)
    try:
        answer, said = process.communicate(pickle.dumps((port, requests, connections)))
    finally:
        kill_group(process.pid)
        process.wait()
        watchdog.remove_group(process.pid)
    if process.returncode != 0:
        raise BenchError(f"the load generator failed: {said.decode(errors='replace').strip()}")
    seconds, latencies_ms, statuses, cpu_s = pickle.loads(answer)
    return Load(seconds, latencies_ms, statuses, cpu_s)


def drive(port: int, requests: list[bytes], connections: int) -> Load:
    """Sends the requests in order and waits for the last answer. Raises `BenchError`."""
    clients = [_Client(socket.create_connection((HOST, port), SILENCE_S)) for _ in range(connections)]
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    waiting: Iterator[bytes] = iter(requests)
    cpu = time.process_time()
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for client, request in zip(clients, islice(waiting, connections), strict=False):
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(client.sock, selectors.EVENT_READ, client)
            client.send(request)
        while len(latencies) < len(requests):
            if not (ready := selector.select(SILENCE_S)):
                raise BenchError(f"no answer within {SILENCE_S:.0f} s")
            for key, _ in ready:
                if (status := key.data.receive()) is None:
                    continue
                latencies.append((time.perf_counter() - key.data.sent_at) * 1000)
                statuses[status] += 1
                if (request := next(waiting, b"")) != b"":
                    key.data.send(request)
    seconds = time.perf_counter() - began
    for client in clients:
        client.sock.close()
    by_share = {name: percentile(latencies, share) for name, share in SHARES.items()}
    return Load(seconds, by_share, statuses, time.process_time() - cpu)


def main() -> None:
    """Reads the plan from standard input and writes the outcome to standard output."""
    port, requests, connections = pickle.load(sys.stdin.buffer)
    gc.disable()
    load = drive(port, requests, connections)
    pickle.dump((load.seconds, load.latencies_ms, load.statuses, load.cpu_s), sys.stdout.buffer)


if __name__ == "__main__":
    main()

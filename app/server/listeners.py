"""The sockets on which the API listens: one for each process, all on the same port."""

import socket

#: Connections that wait to be accepted, of each process.
BACKLOG = 1024
#: A client that does not read what it is sent for so long is disconnected.
UNREAD_S = 30.0


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """`count` listening sockets. The kernel spreads connections over them. Raises `OSError`, if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listeners = [socket.create_server((host, port), family=family, backlog=BACKLOG)]
    # Only now: a socket that is bound with this option would join those of another API on the same port.
    listeners[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    for _ in range(count - 1):
        listeners.append(socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=True))
    for listener in listeners:  # accepted connections inherit both
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNREAD_S * 1000))
    return listeners

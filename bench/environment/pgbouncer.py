"""PgBouncer in front of PostgreSQL."""

import os
import signal
import subprocess
from urllib.parse import urlsplit, urlunsplit

import psycopg

from app.database.pool import LIMITS
from app.database.session import SETTINGS
from bench.environment.debian_tools import find_tool
from stack.scratch import unprivileged_account
from stack.server import HOST, Server

#: With the libraries that few systems have.
PACKAGES = ("pgbouncer", "libevent-2.1-7", "libc-ares2")

#: Gives its sessions the options that an API without a pooler gives its own.
CONNECT_QUERY = "; ".join(f"set {name} = '{value}'" for name, value in {**LIMITS, **SETTINGS}.items())

CONFIGURATION = """
[databases]
* = host={host} port={port} {connect_query}

[pgbouncer]
pool_mode = {mode}
default_pool_size = {sessions}
max_client_conn = 500
listen_addr = {address}
listen_port = {listen_port}
unix_socket_dir =
auth_type = plain
auth_file = users
"""
#: Settings of a service behind it.
POOLED = {"DATABASE_POOLER": "transaction"}


class PgBouncer(Server):
    """In front of the PostgreSQL server of the URL, with `sessions` sessions. Raises `ToolMissing`.

    In `mode` "transaction" it sets the sessions' settings; in "session" its clients do.
    """

    name = "pgbouncer"
    stop_signal = signal.SIGINT

    def __init__(self, database_url: str, sessions: int = 8, mode: str = "transaction") -> None:
        super().__init__()
        self._mode = mode
        self._target = urlsplit(database_url)
        self.sessions = sessions
        self._tool = find_tool("pgbouncer", PACKAGES)
        self._account = unprivileged_account()

    @property
    def version(self) -> str:
        """The version that the program prints."""
        said = subprocess.run(self._tool.command("--version"), capture_output=True, text=True, check=True).stdout
        return said.split()[1]

    @property
    def url(self) -> str:
        """The URL of the same database through the pooler."""
        place = self._target.netloc.rpartition("@")[0]
        return urlunsplit(self._target._replace(netloc=f"{place}@{HOST}:{self.port}"))

    def _prepare(self) -> None:
        users = self.folder / "users"
        users.touch(mode=0o600)
        users.write_text(f'"{self._target.username}" "{self._target.password}"\n')
        if self._account is not None:
            os.chown(users, self._account.uid, self._account.gid)

    def _command(self) -> list[str]:
        configuration = self.folder / "pgbouncer.ini"
        query = CONNECT_QUERY.replace("'", "''")
        configuration.write_text(
            CONFIGURATION.format(
                host=self._target.hostname,
                port=self._target.port,
                mode=self._mode,
                connect_query=f"connect_query='{query}'" if self._mode == "transaction" else "",
                sessions=self.sessions,
                address=HOST,
                listen_port=self.port,
            )
        )
        # It refuses to run as root, and changes its user itself.
        account = [] if self._account is None else ["-u", "nobody"]
        return self._tool.command(*account, configuration.name)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as conn:
                conn.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

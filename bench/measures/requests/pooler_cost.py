"""PgBouncer in transaction mode between the service and PostgreSQL: that it works, and what it costs."""

import os
import re
import signal
import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import psycopg

from app.database.pool import SESSION
from bench.environment.debian_tools import ToolMissing, find_tool
from bench.environment.stand import Stand
from bench.load.generators import best_generator
from bench.load.rounds import take_turns
from bench.measures.requests.admissions import admitting
from bench.reporting.figures import Section, Size, ratio
from stack.scratch import unprivileged_account
from stack.server import HOST, Server

#: And the libraries of it that few systems have.
PACKAGES = ("pgbouncer", "libevent-2.1-7", "libc-ares2")

#: What its sessions are told when it opens them, as an API without a pooler tells its own.
CONNECT_QUERY = "; ".join(f"set {name} = '{value}'" for name, value in re.findall(r"-c (\w+)=(\S+)", SESSION))

CONFIGURATION = """
[databases]
* = host={host} port={port} connect_query='{connect_query}'

[pgbouncer]
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 500
listen_addr = {address}
listen_port = {listen_port}
unix_socket_dir =
auth_type = plain
auth_file = users
"""
#: The settings of a service behind it.
POOLED = {"DATABASE_POOLER": "transaction"}

TITLE = "Behind PgBouncer"
HOW = (
    "Admissions as above by two APIs in turn on one database: one connected to PostgreSQL, one"
    " (`DATABASE_POOLER=transaction`) through PgBouncer {version} with {sessions} sessions. Nothing is prepared"
    " there, so PostgreSQL plans every statement anew, and each round trip goes through one more process."
)


class PgBouncer(Server):
    """In front of the PostgreSQL server of this URL, with so many sessions. Raises `ToolMissing`."""

    name = "pgbouncer"
    stop_signal = signal.SIGINT

    def __init__(self, database_url: str, sessions: int = 8) -> None:
        super().__init__()
        self._target = urlsplit(database_url)
        self.sessions = sessions
        self._tool = find_tool("pgbouncer", PACKAGES)
        self._account = unprivileged_account()

    @property
    def version(self) -> str:
        """What it says it is."""
        said = subprocess.run(self._tool.command("--version"), capture_output=True, text=True, check=True).stdout
        return said.split()[1]

    @property
    def url(self) -> str:
        """The same database, through the pooler."""
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
        configuration.write_text(
            CONFIGURATION.format(
                host=self._target.hostname,
                port=self._target.port,
                connect_query=CONNECT_QUERY.replace("'", "''"),
                sessions=self.sessions,
                address=HOST,
                listen_port=self.port,
            )
        )
        # It refuses to run as root, and gives that up by itself.
        account = [] if self._account is None else ["-u", "nobody"]
        return self._tool.command(*account, configuration.name)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as conn:
                conn.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Admissions through the pooler, beside those without it."""
    with Stand() as stand:
        try:
            pooler = PgBouncer(stand.database_url)
        except ToolMissing as error:
            log(f"PgBouncer is not measured: {error}")
            return [Section(TITLE, f"Not measured: {error}.", [])]
        with pooler:
            log(f"admissions through PgBouncer, {size.rounds} rounds of {size.requests} each after a warm-up round")
            direct, pooled = stand.start_api(), stand.start_api("pooled", DATABASE_URL=pooler.url, **POOLED)
            lanes = [
                admitting("admissions, directly", stand, direct, size, "api", lambda each: each.generate),
                admitting("admissions, through PgBouncer", stand, pooled, size, "pooled", lambda each: each.generate),
            ]
            without, through = take_turns(lanes, size, log)
        how = HOW.format(version=pooler.version, sessions=pooler.sessions)
    kept = ratio("admissions a second, through PgBouncer to directly", through.rate(), without.rate())
    figures = [kept, *without.figures(), *through.figures()]
    return [Section(TITLE, f"{how} Loaded by {best_generator().name}.", figures)]

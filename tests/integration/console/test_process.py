"""`coursegen console` as a process of its own."""

import psutil

from app.settings import Settings
from tests.integration.console.conftest import console_process


def test_it_serves_in_one_process_without_a_database_and_ends_at_a_signal(settings: Settings) -> None:
    with console_process(settings, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing") as server:
        assert len(psutil.Process(server.process.pid).children(recursive=True)) == 1
        status, page = server.ask("GET", "/", headers=[("Cookie", "coursegen_console=x")])
        assert (status, b"The database can&#39;t be used" in page) == (503, True)
        assert server.stop() == 0

"""A server that is ready."""

import pytest

from tests.conftest import WaitUntil
from tests.integration.serving import Server, StartServer


@pytest.fixture(scope="module")
def server(start_server: StartServer, wait_until: WaitUntil) -> Server:
    server = start_server()
    wait_until(lambda: server.status("/readyz") == 200)
    return server

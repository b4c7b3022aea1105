"""A request in progress is expected to join the batch of its kind."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from app.generation import batching
from app.generation.batching import Batcher
from app.http.middleware.request_context import RequestContextMiddleware
from tests.conftest import WaitUntil

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_batch_waits_for_requests_of_its_method_alone(
    method: str, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "GATHER_S", 60.0)
    batchers: dict[str, Batcher[Any, Any]] = {name: Batcher(lambda calls: calls) for name in ("POST", "GET")}

    def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Calls neither batcher; other threads call both, and would wait for this request and one more."""
        with batchers["POST"].expecting(), batchers["GET"].expecting(), ThreadPoolExecutor(2) as pool:
            calls = {name: pool.submit(batcher.run, name) for name, batcher in batchers.items()}
            wait_until(lambda: sum(call.done() for call in calls.values()) == 1, 10)
            waiting = next(name for name, call in calls.items() if not call.done())
            start_response("200 OK", [])
            batchers[waiting].run(waiting)  # the request's own call
        return [waiting.encode()]

    client = Client(RequestContextMiddleware(respond, batchers))
    assert client.open("/", method=method).data.decode() == method

"""A client of the service's HTTP interface, as small as it gets; it never goes through a proxy."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 10.0


class Api:
    """The service at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._address = urlsplit(url).netloc

    def ready(self) -> bool:
        """Whether the service takes requests: false while it doesn't answer at all."""
        return self.answers("/readyz")

    def answers(self, path: str) -> bool:
        """Whether a GET of the path succeeds now."""
        try:
            return self.call("GET", path)[0] == 200
        except (OSError, HTTPException, ValueError):
            return False

    def call(self, method: str, path: str, token: str = "", body: object = None) -> tuple[int, dict[str, Any]]:
        """The answer's status and JSON body. Raises `OSError` or `HTTPException` when there is none."""
        connection = HTTPConnection(self._address, timeout=TIMEOUT_S)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body)
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

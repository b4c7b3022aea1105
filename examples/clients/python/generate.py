"""Starts the generation of a course, follows it by polling, and receives its webhooks. Needs only Python.

API, TOKEN, COURSE_ID, SLUG, WEBHOOK_SECRET   as the files of `make run` set them
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_S = 300
# Polling like this suits a platform; for immediate news use the webhook.
POLL_S = 0.5
PATIENCE_S = 600
FINAL = ("completed", "failed", "cancelled")

api = os.environ["API"]
authorization = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
# Ignore the environment's proxies: call the service directly.
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
received_last = threading.Event()


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the webhook comes from the service and is recent."""
    if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE_S:
        return False
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = verify(os.environ["WEBHOOK_SECRET"], self.headers, body)
        self.send_response(204 if good else 401)
        self.end_headers()
        if good:
            message = json.loads(body)
            print(f"webhook verified: {message['status']} {message['progress']['percentage']} %", flush=True)
            if message["status"] in FINAL:
                received_last.set()

    def log_message(self, *args: object) -> None:
        pass


def call(
    method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str
) -> tuple[Any, Mapping[str, str]]:
    """The response's JSON and headers; None if nothing has changed. Raises urllib.error.HTTPError."""
    request = urllib.request.Request(api + path, method=method, headers={**authorization, **headers})
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with http.open(request, timeout=10) as response:
            return json.load(response), response.headers
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return None, error.headers
        print(error.read().decode(), file=sys.stderr)
        raise


def main() -> int:
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    course_id = os.environ["COURSE_ID"]
    payload = {"courseId": course_id, "webhookUrl": f"http://127.0.0.1:{receiver.server_port}/"}
    # One key for each generation, the same on every retry: however often this request is sent, one generation starts.
    started, _ = call("POST", "/api/coursegen/generate", payload, **{"Idempotency-Key": str(uuid.uuid4())})
    print(f"started {started['jobId']}")

    status, tag, until = "", "", time.monotonic() + PATIENCE_S
    while status not in FINAL and time.monotonic() < until:
        known = {"If-None-Match": tag} if tag else {}
        course, headers = call("GET", f"/api/courses/{os.environ['SLUG']}/check-status", **known)
        if course is not None:
            status, tag = course["currentGenerationStatus"], headers["ETag"]
            progress = course["generationProgress"]
            print(f"{progress['percentage']:3} % {progress['message']}", flush=True)
        time.sleep(POLL_S)
    received_last.wait(30)
    receiver.shutdown()
    print(status)
    return 0 if status == "completed" and received_last.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())

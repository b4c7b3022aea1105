"""Parameters of requests and headers of answers, by the names under which operations ask for them."""

from typing import Any

from app.http.description import examples
from app.http.idempotency_header import MAX_KEY

# As `app.http.idempotency_header` reads it: a string in quotes, or bare.
_KEY = rf"""^("([ !#-\[\]-~]|\\["\\]){{1,{MAX_KEY}}}"|[!#-+\--~]([ !#-+\--~]{{0,{MAX_KEY - 2}}}[!#-+\--~])?)$"""

PARAMETERS: dict[str, dict[str, Any]] = {
    "slug": {
        "name": "slug",
        "in": "path",
        "required": True,
        "description": "The course's slug, percent-encoded. Where several courses have it, the caller's own is meant.",
        "schema": {"type": "string", "minLength": 1},
        "example": examples.SLUG,
    },
    "idempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the request safe to send again: see *Idempotency*. A new UUID for each new wish.",
        "schema": {"type": "string", "pattern": _KEY},
        "example": "0f9d2c1e-7a54-4a57-9f3e-5f1f7f4b8f3a",
    },
    "ifNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of the last answer. What has not changed since is answered 304, without a body.",
        "schema": {"type": "string"},
        "example": examples.ETAG,
    },
    "lastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id of the last event received. A browser's `EventSource` sends it by itself.",
        "schema": {"type": "string"},
        "example": examples.ETAG.strip('"'),
    },
}

_TEXT = {"type": "string"}
_SECONDS = {"type": "integer", "minimum": 0}

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The request's own id if it has a good one, else a new one. The log tells more under it.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
    "ETag": {"description": "Send it back as `If-None-Match`.", "schema": _TEXT},
    "Cache-Control": {"description": "Whether and how long the answer may be kept.", "schema": _TEXT},
    "Retry-After": {
        "description": "After how many seconds to try again; spread, so that not all come at once.",
        "schema": _SECONDS,
    },
    "RateLimit-Policy": {"description": "The user's and the system's limit of active generations.", "schema": _TEXT},
    "RateLimit": {"description": "How much of each limit is left.", "schema": _TEXT},
    "Idempotent-Replayed": {
        "description": "The answer is that of an earlier request with the same key; nothing was started again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "WWW-Authenticate": {"description": "How to show who is asking.", "schema": {"type": "string", "enum": ["Bearer"]}},
    "Allow": {"description": "The methods that are there.", "schema": _TEXT},
}

"""The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

import re

from app.current import current_request
from app.http.bodies import shown
from app.http.error_responses import Invalid

FIELD = "Idempotency-Key"
MAX_KEY = 255

#: As WSGI names it.
_VARIABLE = "HTTP_IDEMPOTENCY_KEY"

# A string of RFC 8941 as the draft has it, or the bare text most clients send. A comma in the latter may have joined
# two headers, a quotation mark may be half of the former.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"', re.ASCII)
_BARE = re.compile(r"[ !#-+\--~]*", re.ASCII)


def read_key() -> str | None:
    """The key of the current request, unquoted; None without one. Raises `Invalid`: 400 for any other value."""
    value = current_request().environ.get(_VARIABLE)
    return None if value is None else parse_key(value)


def parse_key(value: str) -> str:
    """The key that a header's value means: 1 to 255 characters of printable ASCII. Raises `Invalid`."""
    text = value.strip(" \t")
    if quoted := _QUOTED.fullmatch(text):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        key = ""
    if not 1 <= len(key) <= MAX_KEY:
        expected = f'1 to {MAX_KEY} characters of printable ASCII, best a UUID, bare or as "…"'
        details = {"field": FIELD, "value": shown(value), "expected": expected}
        raise Invalid(f"Invalid {FIELD} format", "invalid_idempotency_key", details)
    return key

"""The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

import re

from app.http.bodies import excerpt
from app.http.error_responses import Invalid

FIELD = "Idempotency-Key"
MAX_KEY = 255

# A string of RFC 8941 as in the draft, or the bare text that most clients send. A comma in bare text may have joined
# two headers, and a quotation mark may be half of a string.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"', re.ASCII)
_BARE = re.compile(r"[ !#-+\--~]*", re.ASCII)


def parse_key(value: str) -> str:
    """The key in a header's value: 1 to 255 characters of printable ASCII. Raises `Invalid`."""
    text = value.strip(" \t")
    if quoted := _QUOTED.fullmatch(text):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        key = ""
    if not 1 <= len(key) <= MAX_KEY:
        expected = f'1 to {MAX_KEY} characters of printable ASCII, best a UUID, bare or as "…"'
        raise Invalid("invalid_idempotency_key", field=FIELD, value=excerpt(value), expected=expected)
    return key

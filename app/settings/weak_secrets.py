"""Secrets that somebody else may know: published, repeated or simple ones."""

import base64
import binascii
import re
from itertools import pairwise

#: Words of examples and defaults. Supabase's own default is two of them: super-secret-jwt-token-with-at-least-32-…
_PLACEHOLDER = re.compile(
    r"change[-_ ]?(me|this|it)|replace[-_ ]?(me|this|it)|secret|at[-_ ]least[-_ ][0-9]|insecure|password|qwerty"
    r"|(my|your)[-_ ][-_ a-z0-9]{0,40}(token|key)|default[-_ ]?(token|key)|placeholder|example",
    re.IGNORECASE,
)
#: The examples in the specification of Standard Webhooks and of its libraries, without their prefixes.
_PUBLISHED = frozenset(
    (
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
    )
)
#: A random text of 32 hexadecimal digits has fewer different ones once in ten million.
_FEWEST_CHARACTERS = 8
_MIN_BYTES = 16


def is_weak(secret: str) -> bool:
    """Whether a secret is not random: a placeholder, short, of few different characters, repeated, or a sequence."""
    return (
        _PLACEHOLDER.search(secret) is not None
        or _without_prefix(secret) in _PUBLISHED
        or any(map(_is_simple, _readings(secret)))
    )


def _without_prefix(secret: str) -> str:
    return secret.removeprefix("whsec_").removeprefix("whsk_")


def _readings(secret: str) -> list[bytes]:
    """The secret, and the key that it encodes if it is a webhook's."""
    encoded = _without_prefix(secret)
    try:
        return [encoded.encode(), *([base64.b64decode(encoded, validate=True)] if encoded != secret else [])]
    except (binascii.Error, ValueError):
        return [encoded.encode()]


def _is_simple(key: bytes) -> bool:
    runs = sum(abs(one - next_one) <= 1 for one, next_one in pairwise(key))
    return (
        len(key) < _MIN_BYTES
        or len(set(key.strip())) < _FEWEST_CHARACTERS
        or key in (key + key)[1:-1]  # a shorter text, repeated
        or runs > len(key) / 2
    )

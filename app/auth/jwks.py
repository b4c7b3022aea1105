"""Fetches a JWKS endpoint and selects the keys that may verify a token."""

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from app.database.deadline import SocketGuard
from app.protocol.interim_responses import skip_interim

#: The key type and curve of each supported algorithm.
KEY_TYPES = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None), "EdDSA": ("OKP", "Ed25519")}

MAX_KEY_ID = 256
MAX_BYTES = 64 * 1024
#: The limit for connecting, and again for the rest of the exchange.
TIMEOUT_S = 2.0

#: Keys by their `kid` and algorithm.
Keys = Mapping[tuple[str, str], PyJWK]

_guard = SocketGuard()


class JwksError(Exception):
    """The endpoint can't be reached, or its response is not a JWKS."""


def fetch_keys(url: str) -> Keys:
    """The usable keys of the endpoint. Follows no redirect and uses no proxy. Raises `JwksError`."""
    try:
        return read_keys(_download(url))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise JwksError(f"{type(error).__name__}: {error}") from error


def read_keys(document: bytes) -> Keys:
    """The keys of a JWKS that may verify a token, each bound to its algorithm. Raises ValueError if it is not a JWKS.

    Skips keys for other purposes or algorithms, secret and weak keys, and keys whose id is missing or not unique.
    """
    found = json.loads(document)
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise ValueError("not a JWKS")
    keys = [((entry["kid"], key.algorithm_name), key) for entry in found["keys"] if (key := _read_key(entry))]
    names = [name for name, _ in keys]
    return {name: key for name, key in keys if names.count(name) == 1}


def _read_key(entry: object) -> PyJWK | None:
    if not isinstance(entry, dict):
        return None
    kind = (entry.get("kty"), entry.get("crv"))
    algorithm = next((name for name, known in KEY_TYPES.items() if known == kind), None)
    if algorithm is None or entry.get("alg", algorithm) != algorithm or not _is_for_tokens(entry):
        return None
    try:
        key = PyJWK(entry, algorithm)
        weak = key.Algorithm.check_key_length(key.key)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    return None if weak else key


def _is_for_tokens(entry: Mapping[str, Any]) -> bool:
    """Whether it is a public key for verifying signatures, with an id that a token can name."""
    key_id, operations = entry.get("kid"), entry.get("key_ops", ["verify"])
    return (
        isinstance(key_id, str)
        and 0 < len(key_id) <= MAX_KEY_ID
        and entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in entry
    )


def _download(url: str) -> bytes:
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with closing(connect(parts.hostname or "", parts.port, timeout=TIMEOUT_S)) as connection:
        connection.connect()
        with _guard.guard(connection.sock.fileno(), TIMEOUT_S):
            connection.sock = skip_interim(connection.sock)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", target, headers={"Accept": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            document = response.read(MAX_BYTES + 1)
    if len(document) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return document

"""Access tokens: decoded once, by the one key that their header may name."""

import base64
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import jwt
from flask_jwt_extended import JWTManager
from flask_jwt_extended.config import config
from jwt import PyJWK, PyJWS, PyJWT
from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_decode, base64url_encode

from app.auth.jwks import KEY_TYPES, Keys
from app.auth.remote_keys import RemoteKeys
from app.settings import Settings
from app.strict_json import parse_json

HMAC = "HS256"

_BASE64URL = re.compile(rb"[A-Za-z0-9_-]*")


class Keyring:
    """The secret and the endpoint's keys, where there are such: both at once during a rotation."""

    def __init__(self, settings: Settings) -> None:
        secret, url = settings.jwt_secret, settings.jwt_jwks_url
        self._secret = PyJWK({"kty": "oct", "k": base64url_encode(secret.encode())}, HMAC) if secret else None
        if self._secret:
            self._secret.Algorithm = _SecretsAlgorithm()
        self._remote = RemoteKeys(url) if url else None

    @property
    def algorithms(self) -> list[str]:
        """What tokens may be signed with."""
        return [*([HMAC] if self._secret else []), *(KEY_TYPES if self._remote else [])]

    @property
    def current(self) -> Keys | None:
        """The endpoint's keys as last fetched; the same object for as long as they are the same keys."""
        return self._remote.current if self._remote else None

    def find(self, header: Mapping[str, Any], _claims: Mapping[str, Any]) -> PyJWK:
        """The key for a token of this header. It verifies by its own algorithm alone, whatever the header says.

        Raises `jwt.InvalidKeyError` where there is none, and `KeysUnavailable`.
        """
        algorithm, key_id = header.get("alg"), header.get("kid")
        key = None
        if algorithm == HMAC:
            key = self._secret  # whatever the id, which the sign-in gives its secret and nobody tells us
        elif self._remote and isinstance(algorithm, str) and algorithm in KEY_TYPES and isinstance(key_id, str):
            key = self._remote.find(key_id, algorithm)
        if key is None:
            raise jwt.InvalidKeyError("There is no key of that id for that algorithm")
        return key


class _SecretsAlgorithm(HMACAlgorithm):
    """Has a key looked at once for whether it is a public one by mistake, which the library does for every token."""

    def __init__(self) -> None:
        super().__init__(self.SHA256)
        self._looked_at: str | bytes | None = None

    def prepare_key(self, key: str | bytes) -> bytes:
        """The key. Raises `jwt.InvalidKeyError` for one that is none of a secret's."""
        if key is not self._looked_at:
            super().prepare_key(key)
            self._looked_at = key
        return key if isinstance(key, bytes) else key.encode()


class _Segments(PyJWS):
    """Has a token's alphabet checked by one expression; the library looks at each character by itself."""

    @staticmethod
    def _decode_base64url_segment(segment: bytes, name: str) -> bytes:
        if _BASE64URL.fullmatch(segment) and len(segment) % 4 != 1:
            decoded = base64url_decode(segment)
            if base64url_encode(decoded) == segment:  # no bit is set that means nothing
                return decoded
        raise jwt.DecodeError(f"Invalid {name} padding")


class _Decoder(PyJWT):
    def __init__(self) -> None:
        super().__init__()
        self._jws = _Segments()


_decoder = _Decoder()


class TokenManager(JWTManager):
    """The library's manager under the library's settings, but a token is decoded once, and its `iat` is ignored.

    The library decodes every token three times, two of them unverified, and has no setting for `iat`: a host whose
    clock is behind would refuse who has only just signed in.
    """

    def _decode_jwt_from_config(
        self, encoded_token: str, csrf_value: str | None = None, allow_expired: bool = False
    ) -> dict[str, Any]:
        """The verified claims. Raises `jwt.PyJWTError`, ValueError, and what the loader of keys raises.

        Neither tokens of cookies (`csrf_value`) nor expired ones are ever asked for.
        """
        claims: dict[str, Any] = _decoder.decode(
            encoded_token,
            self._decode_key_callback(read_header(encoded_token), {}),
            **self._expected,
        )
        return claims

    @cached_property
    def _expected(self) -> dict[str, Any]:
        """What is asked of a token: read once, because the library looks each setting up anew."""
        return {
            "algorithms": config.decode_algorithms,
            "audience": config.decode_audience,
            "issuer": config.decode_issuer,
            "leeway": config.leeway,
            "options": {"verify_iat": False, "require": ["exp", config.identity_claim_key]},
        }


def read_header(token: str) -> dict[str, Any]:
    """The header of a token, unverified. Raises ValueError, also for one that wants extensions: none is known here."""
    segment = token.partition(".")[0]
    header = parse_json(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    if not isinstance(header, dict) or "crit" in header:
        raise ValueError("No header of a token")
    return header

"""Access tokens: each is verified with the keys that its header may name, usually one."""

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import jwt
from jwt import PyJWK

from app.auth.jwks import KEY_TYPES, Keys
from app.auth.remote_keys import RemoteKeys
from app.protocol.strict_json import parse_json
from app.settings import Settings

HMAC = "HS256"


class Keyring:
    """The keys that verify tokens: the secret and earlier ones, those of the JWKS endpoint, or both in a rotation."""

    def __init__(self, settings: Settings) -> None:
        secrets, url = [*filter(None, [settings.jwt_secret]), *settings.jwt_secret_old], settings.jwt_jwks_url
        self._secrets = [_secret_key(secret) for secret in secrets]
        self._remote = RemoteKeys(url) if url else None
        #: The algorithms that tokens may be signed with.
        self.algorithms = [*([HMAC] if secrets else []), *(KEY_TYPES if url else [])]

    @property
    def current(self) -> Keys | None:
        """The endpoint's keys as last fetched; the same object until they change."""
        return self._remote.current if self._remote else None

    def find(self, header: Mapping[str, Any]) -> Sequence[PyJWK]:
        """The keys, at least one, that may have signed a token with this header. Each verifies by its algorithm only.

        Raises `jwt.InvalidKeyError` if there is none, and `KeysUnavailable`.
        """
        algorithm, key_id = header.get("alg"), header.get("kid")
        keys: list[PyJWK] = []
        if algorithm == HMAC:
            keys = self._secrets  # with any `kid`: the platform names the secret, but does not publish the name
        elif self._remote and isinstance(algorithm, str) and algorithm in KEY_TYPES and isinstance(key_id, str):
            key = self._remote.find(key_id, algorithm)
            keys = [key] if key is not None else []
        if not keys:
            raise jwt.InvalidKeyError("There is no key of that id for that algorithm")
        return keys


def _secret_key(secret: str) -> PyJWK:
    return PyJWK({"kty": "oct", "k": base64.urlsafe_b64encode(secret.encode()).decode()}, HMAC)


def verify_token(token: str, keyring: Keyring, config: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a token, verified under the `JWT_…` settings of Flask-JWT-Extended.

    `iat` is ignored: a host whose clock is slow would reject freshly issued tokens.
    Raises `jwt.PyJWTError`, ValueError, and what `Keyring.find` raises.
    """
    *others, last = keyring.find(read_header(token))
    for key in others:
        with suppress(jwt.InvalidSignatureError):
            return _decode(token, key, config)
    return _decode(token, last, config)


def _decode(token: str, key: PyJWK, config: Mapping[str, Any]) -> dict[str, Any]:
    return jwt.decode(
        token,
        key,
        algorithms=config["JWT_DECODE_ALGORITHMS"],
        audience=config["JWT_DECODE_AUDIENCE"],
        issuer=config["JWT_DECODE_ISSUER"],
        leeway=config["JWT_DECODE_LEEWAY"],
        options={"verify_iat": False, "require": ["exp", config["JWT_IDENTITY_CLAIM"]]},
    )


def read_header(token: str) -> dict[str, Any]:
    """The unverified header of a token, parsed more strictly than by the library.

    Raises ValueError for a duplicate name and for `crit`: no extension is supported.
    """
    segment = token.partition(".")[0]
    header = parse_json(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    if not isinstance(header, dict) or "crit" in header:
        raise ValueError("The token's header is not acceptable")
    return header

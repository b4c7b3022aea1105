"""What the values of settings must look like. No message repeats a value, which may be a secret."""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from marshmallow import ValidationError
from psycopg.conninfo import conninfo_to_dict
from redis import ConnectionPool
from redis.connection import parse_url

from app.generation.webhooks.urls import AllowedHosts, parse_allowed_host

T = TypeVar("T")

#: RFC 7518 §3.2: an HS256 key is at least as long as its hash.
MIN_SECRET_BYTES = 32

# As browsers send it: in lower case, without a path and without the scheme's default port.
_ORIGIN = r"(?!http://.*:80$|https://.*:443$)https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"


def check(message: str | None = None) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Makes a parser a validator: what it rejects is a problem, described by the message or by the parser's own."""

    def decorate(parse: Callable[[Any], T]) -> Callable[[Any], T]:
        def validate(value: Any) -> T:
            try:
                return parse(value)
            except (ValueError, TypeError, psycopg.ProgrammingError) as error:
                raise ValidationError(message or str(error)) from None

        return validate

    return decorate


@check("Not a postgresql:// URL, or one whose user or password has characters to be percent-encoded, such as @ or /.")
def database_url(url: str) -> None:
    _match(r"postgres(ql)?://\S+", url)
    parts = conninfo_to_dict(url)
    # libpq ends a password at the first @ or /, and would name the rest in errors as a host or a database.
    if any("@" in str(parts.get(name, "")) for name in ("host", "hostaddr", "port", "dbname")):
        raise ValueError
    for port in str(parts.get("port", "")).split(","):  # libpq checks it only when it connects
        int(port or 0)


@check("Not a redis:// URL, or one whose password has characters to be percent-encoded, such as / ? #.")
def redis_url(url: str) -> None:
    _match(r"(rediss?|unix)://\S+", url)
    parse_url(url)  # type: ignore[no-untyped-call]
    parts = urlsplit(url)
    if parts.scheme != "unix" and (
        not re.fullmatch(r"/?|/[0-9]+", parts.path, re.ASCII) or parts.fragment or "@" in parts.query
    ):
        raise ValueError
    ConnectionPool.from_url(url).make_connection()  # connects to nothing; rejects unknown options


@check("Not an https:// or http:// URL without credentials.")
def jwks_url(url: str) -> None:
    _match(r"https?://[!-~]+", url)
    parts = urlsplit(url)
    if not parts.hostname or "@" in url or parts.port == 0:
        raise ValueError


@check("Neither * alone nor http or https origins as browsers send them: https://app.example.org.")
def origins(values: list[str]) -> None:
    for value in values if values != ["*"] else []:
        _match(_ORIGIN, value.strip())


@check("Users can edit user_metadata: it may name no role and no organisation.")
def protected_claims(values: list[str]) -> None:
    if any(value.strip().partition(".")[0] in ("user_metadata", "raw_user_meta_data") for value in values):
        raise ValueError


@check("Not hosts like receiver.internal, receiver.internal:9000 or 127.0.0.1:*.")
def allowed_hosts(values: list[str]) -> AllowedHosts:
    return frozenset(map(parse_allowed_host, values))


@check("Neither auto nor a number of at least 1.")
def limit(value: str) -> int | None:
    """The number; None for `auto`."""
    _match(r"auto|[1-9][0-9]{0,8}", value)
    return None if value == "auto" else int(value)


@check(f"Shorter than {MIN_SECRET_BYTES} bytes.")
def secret(value: str) -> None:
    if len(value.encode()) < MIN_SECRET_BYTES:
        raise ValueError


def each(validate: Callable[[Any], object]) -> Callable[[str], None]:
    """The check of a setting that holds several values, separated by blanks."""

    def validate_each(values: str) -> None:
        for value in values.split():
            validate(value)

    return validate_each


def _match(pattern: str, value: str) -> None:
    if not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError

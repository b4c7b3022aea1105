"""Checks of webhook URLs: which texts are accepted, and which addresses are public.

`parse_webhook_url` checks the text alone, without a name look-up. The sender resolves the name and checks each address
with `is_public`. Hosts that an operator allowed (`AllowedHosts`) skip both checks.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote, urlsplit

#: Longest URL, in characters.
MAX_URL = 2048
PORTS = {"http": 80, "https": 443}

#: Entries `host` (on the usual ports), `host:port` or `host:*`, as `parse_allowed_host` returns them.
AllowedHosts = frozenset[str]
#: Allows every host; no entry of a setting can be parsed to it.
_ANY: AllowedHosts = frozenset({"*"})

# Printable ASCII but the backslash, which some URL parsers read as a slash.
_CHARACTERS = re.compile(r"[!-\[\]-~]+", re.ASCII)
_NAME = re.compile(
    r"(?!.{254})(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
)
# The last label of a host that resolvers read as an IPv4 address: 127.1, 0177.0.0.1, 0x7f000001, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
# A host, in brackets if it has colons, and optionally a port.
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(?::(\*|[0-9]{0,5}))?", re.ASCII)

#: IANA's special-purpose addresses, and one that a cloud uses for its own services.
_SPECIAL_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's wire server
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
#: IPv6's global unicast addresses, and the special-purpose ones among them, such as Teredo and 6to4. Mapped and
#: translated IPv4 addresses (::ffff:0:0/96, 64:ff9b::/96) are not global unicast.
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_SPECIAL_IPV6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))


class BadWebhookUrl(ValueError):
    """No webhook may be sent to this URL; the message says why and does not contain the URL."""


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """A parsed URL. The check and the request use the same parts.

    `host`: a name or an address in canonical form. `target`: path and query. `allowed`: an operator allowed the host,
    so its addresses are not checked.
    """

    scheme: str
    host: str
    port: int
    target: str
    allowed: bool
    credentials: str | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """The value of the `Host` header: the default port is left out."""
        host = _bracketed(self.host)
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an address rather than a name."""
        return ":" in self.host or _ends_in_number(self.host)


def parse_webhook_url(text: str, allowed: AllowedHosts = frozenset()) -> WebhookUrl:
    """The parts of an acceptable URL. Raises `BadWebhookUrl`.

    It is http or https on port 80 or 443, without credentials or fragment. Its host is a name with a dot or a public
    address. An allowed host may have any form, and credentials.
    """
    if len(text) > MAX_URL:
        raise BadWebhookUrl("too long")
    if not _CHARACTERS.fullmatch(text):
        raise BadWebhookUrl("not printable ASCII")
    if "#" in text:
        raise BadWebhookUrl("a fragment")
    try:
        parts = urlsplit(text)
        user, at, authority = parts.netloc.rpartition("@")
        host, port = _split_authority(authority)
        if port == "*":
            raise ValueError("A wildcard is no port")
    except ValueError as error:
        raise BadWebhookUrl("malformed") from error
    if parts.scheme not in PORTS:
        raise BadWebhookUrl("neither http nor https")
    number = int(port) if port else PORTS[parts.scheme]
    url = WebhookUrl(
        parts.scheme,
        host,
        number,
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        allowed=_is_allowed(host, number, allowed),
        credentials=unquote(user) or None,
    )
    if not url.allowed:
        _check_public(url, bool(at))
    return url


def parse_trusted_url(text: str) -> WebhookUrl:
    """The parts of a URL that an operator set: its host and port may be any. Raises `BadWebhookUrl`."""
    return parse_webhook_url(text, _ANY)


def parse_allowed_host(text: str) -> str:
    """An entry of `AllowedHosts` in canonical form. Raises ValueError."""
    host, port = _split_authority(text.strip())
    return f"{_bracketed(host)}:{port}" if port else _bracketed(host)


def is_public(address: str) -> bool:
    """Whether the address, in any notation, is a public one of the internet."""
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _SPECIAL_IPV4)
    return found.scope_id is None and found in _GLOBAL_IPV6 and not any(found in network for network in _SPECIAL_IPV6)


def _check_public(url: WebhookUrl, credentials: bool) -> None:
    if credentials:
        raise BadWebhookUrl("credentials")
    if url.port not in PORTS.values():
        raise BadWebhookUrl("an unusual port")
    if url.is_address:
        if not is_public(url.host):
            raise BadWebhookUrl("not a public address")
    elif "." not in url.host or url.host.endswith(".localhost"):
        raise BadWebhookUrl("not a public name")


def _is_allowed(host: str, port: int, allowed: AllowedHosts) -> bool:
    host = _bracketed(host)
    if allowed is _ANY:
        return True
    return f"{host}:{port}" in allowed or f"{host}:*" in allowed or (host in allowed and port in PORTS.values())


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _split_authority(authority: str) -> tuple[str, str]:
    """The host in canonical form, and its port: a valid number, "*" or "". Raises ValueError."""
    found = _AUTHORITY.fullmatch(authority.lower())
    if found is None:
        raise ValueError("Neither a host nor host:port")
    host, port = found[1], found[2] or ""
    if port.isdigit():
        if not 0 < int(port) < 65536:
            raise ValueError("No such port")
        port = str(int(port))
    if host.startswith("["):
        return str(IPv6Address(host[1:-1])), port
    host = host.removesuffix(".")
    if _ends_in_number(host):
        return str(IPv4Address(host)), port
    if not _NAME.fullmatch(host):
        raise ValueError("Not a name")
    return host, port


def _ends_in_number(host: str) -> bool:
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None

"""Where a webhook may lead: what its URL may say, and which addresses may be spoken to.

`parse_webhook_url` looks at the text alone, so a request costs no look-up. A name's addresses are known only when it is
sent to: each of them must then pass `is_public`. The hosts an operator named (`AllowedHosts`) are spared both.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote, urlsplit

#: Characters of a URL, at most.
MAX_URL = 2048
PORTS = {"http": 80, "https": 443}

#: Hosts as `host`, `host:port` or `host:*`; the first form is for the usual ports. See `parse_allowed_host`.
AllowedHosts = frozenset[str]

# Printable ASCII. A backslash is a slash to some readers of a URL and not to others.
_CHARACTERS = re.compile(r"[!-\[\]-~]+", re.ASCII)
_NAME = re.compile(
    r"(?!.{254})(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
)
# What resolvers read as an address of four bytes, however it is written: 127.1, 0177.0.0.1, 0x7f000001, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
# A host, in brackets where it has colons, and perhaps a port.
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(?::(\*|[0-9]{0,5}))?", re.ASCII)

#: The special-purpose addresses of IANA's registry, and one that a cloud gives its own services.
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
#: The only IPv6 addresses handed out to the public, and what of them is something else. Mapped and translated IPv4
#: (::ffff:0:0/96, 64:ff9b::/96) lies outside; Teredo and 6to4 are taken out here.
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_SPECIAL_IPV6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))


class BadWebhookUrl(ValueError):
    """The text is no URL that a webhook may be sent to; the message says why, without repeating it."""


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """A URL taken apart, once, for the check and the sending alike.

    `host` is a name or an address in its usual form; `target` is what the request line asks for. `allowed`: an operator
    named the host, so its addresses are not looked at.
    """

    scheme: str
    host: str
    port: int
    target: str
    allowed: bool
    credentials: str | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header has them: the usual port is left out."""
        host = _bracketed(self.host)
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an address and not a name."""
        return ":" in self.host or _ends_in_number(self.host)


def parse_webhook_url(text: str, allowed: AllowedHosts = frozenset()) -> WebhookUrl:
    """The URL, if it may be sent to as far as its text tells. Raises `BadWebhookUrl`.

    It is http or https, its host a name with a dot or a public address, its port a usual one, without credentials. Of
    an allowed host only the form is looked at. A fragment is for browsers and refused everywhere.
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
        host, port = _split(authority)
        if port == "*":
            raise ValueError("Any port is no port")
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
        _refuse_unless_public(url, bool(at))
    return url


def parse_allowed_host(text: str) -> str:
    """An entry of `AllowedHosts` in its one form. Raises ValueError."""
    host, port = _split(text.strip())
    return f"{_bracketed(host)}:{port}" if port else _bracketed(host)


def is_public(address: str) -> bool:
    """Whether the address is one that anybody may have on the internet, and none of ours, however it is dressed up."""
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _SPECIAL_IPV4)
    return found.scope_id is None and found in _GLOBAL_IPV6 and not any(found in network for network in _SPECIAL_IPV6)


def _refuse_unless_public(url: WebhookUrl, credentials: bool) -> None:
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
    return f"{host}:{port}" in allowed or f"{host}:*" in allowed or (host in allowed and port in PORTS.values())


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _split(authority: str) -> tuple[str, str]:
    """The host in its one form, and its port: digits of a port that exists, "*" or nothing. Raises ValueError."""
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

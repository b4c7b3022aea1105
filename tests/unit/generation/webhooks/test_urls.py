"""Which webhook URLs are accepted, and which addresses are public."""

import socket
import time
from ipaddress import IPv4Address, IPv6Address, ip_address
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.generation.webhooks.urls import (
    MAX_URL,
    BadWebhookUrl,
    is_public,
    parse_allowed_host,
    parse_webhook_url,
)

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_special_purpose_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_no_address_that_the_library_calls_special_is_public(address: IPv4Address | IPv6Address) -> None:
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    if special or address.is_reserved or address.is_unspecified:
        assert not is_public(str(address))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.org", ("https", "example.org", 443, "/", "example.org")),
        ("HTTP://EXAMPLE.org./a%20b?c=d&e", ("http", "example.org", 80, "/a%20b?c=d&e", "example.org")),
        ("https://example.org:80?x", ("https", "example.org", 80, "/?x", "example.org:80")),
        ("https://example.org:/", ("https", "example.org", 443, "/", "example.org")),
        ("http://xn--e1afmkfd.xn--p1ai/hook", ("http", "xn--e1afmkfd.xn--p1ai", 80, "/hook", "xn--e1afmkfd.xn--p1ai")),
        ("http://my_host.example.org/", ("http", "my_host.example.org", 80, "/", "my_host.example.org")),
        ("http://8.8.8.8/", ("http", "8.8.8.8", 80, "/", "8.8.8.8")),
        ("http://[2606:4700::1111]:443/", ("http", "2606:4700::1111", 443, "/", "[2606:4700::1111]:443")),
        ("http://[2606:4700:0:0::1111]/", ("http", "2606:4700::1111", 80, "/", "[2606:4700::1111]")),
        ("https://example.org//a/../b", ("https", "example.org", 443, "//a/../b", "example.org")),
    ],
)
def test_a_url_is_taken_apart_once(text: str, expected: tuple[object, ...]) -> None:
    url = parse_webhook_url(text)
    assert (url.scheme, url.host, url.port, url.target, url.authority) == expected
    assert not url.allowed
    assert url.credentials is None


@pytest.mark.parametrize("address", PRIVATE)
def test_a_literal_address_that_is_not_public_is_refused(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(BadWebhookUrl):
        parse_webhook_url(f"http://{host}/")


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "0x",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "127.0.0.01",
        "256.1.1.1",
        "1.2.3.4.5",
        "example.1",
        "4294967295",
        "%31%32%37.0.0.1",
        "127%2e0.0.1",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[fe80::1%25eth0]",
        "[127.0.0.1]",
        "[v1.x]",
        "[::1]x",
        "[]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "receiver",
        "a..b",
        ".example.org",
        "-a.example.org-",
        "a b.org",
        "exa\tmple.org",
        "example.org\\@127.0.0.1",
        "a,b.org",
        "*.example.org",
        "*",
        f"{'a' * 64}.org",
        f"{'a.' * 127}org",
    ],
)
def test_a_host_that_is_no_name_of_the_internet_is_refused(host: str) -> None:
    with pytest.raises(BadWebhookUrl):
        parse_webhook_url(f"http://{host}/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http:/example.org",
        "http:example.org",
        "http://",
        "http://?x",
        "https://example.org#",
        "https://example.org/#part",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://@example.org/",
        "https://example.org@127.0.0.1/",
        "https://example.org:8443/",
        "https://example.org:0/",
        "https://example.org:65536/",
        "https://example.org:+80/",
        "https://example.org:8 0/",
        "https://example.org:80:80/",
        "https://example.org:*/",
        "https://пример.рф/",
        "https://example.org/путь",
        "https://example.org/\r\nHost: x",
        "https://１２７.0.0.1/",
        "https://example.org/" + "a" * (MAX_URL - 19),
    ],
)
def test_a_malformed_url_is_refused(text: str) -> None:
    with pytest.raises(BadWebhookUrl):
        parse_webhook_url(text)


@pytest.mark.parametrize(
    ("entry", "good", "bad"),
    [
        ("localhost:3000", ["http://localhost:3000/"], ["http://localhost/", "http://localhost:3001/"]),
        ("receiver", ["http://receiver/", "https://receiver", "http://receiver:443"], ["http://receiver:8080/"]),
        ("127.0.0.1:*", ["http://127.0.0.1/", "http://127.0.0.1:9/"], ["http://127.0.0.2/", "http://127.1:9/"]),
        ("[::1]:8443", ["https://[::1]:8443/", "https://[0:0::1]:8443/"], ["https://[::1]/", "http://127.0.0.1:8443/"]),
        ("Example.ORG.:9000", ["https://user:pw@example.org:9000/"], ["https://a.example.org:9000/"]),
        ("10.0.0.5", ["http://10.0.0.5/"], ["http://10.0.0.5:81/", "http://10.0.0.6/", "http://167772165/"]),
    ],
)
def test_an_allowed_host_is_allowed_on_its_port_and_nothing_else_is(
    entry: str, good: list[str], bad: list[str]
) -> None:
    allowed = frozenset({parse_allowed_host(entry)})
    for text in good:
        assert parse_webhook_url(text, allowed).allowed
    for text in bad:
        with pytest.raises(BadWebhookUrl):
            parse_webhook_url(text, allowed)
    assert not parse_webhook_url("https://example.com/", allowed).allowed


def test_credentials_for_an_allowed_host_are_kept_apart_and_out_of_sight() -> None:
    url = parse_webhook_url("http://user:p%40ss@receiver/", frozenset({"receiver"}))
    assert (url.credentials, url.target, url.authority) == ("user:p@ss", "/", "receiver")
    assert "p@ss" not in repr(url)


@pytest.mark.parametrize(
    "text", ["", " ", "::1", "a:b", "a:0", "a:65536", "10.0.0.0/8", "*.example.org", "http://a", "0x7f.1"]
)
def test_an_entry_that_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_allowed_host(text)


@given(
    st.text("htps:/.@[]#?%\\1x0f-*\t \r\nаａ０", max_size=60) | st.text(max_size=60).map(lambda text: f"http://{text}")
)
def test_any_text_is_a_url_or_refused_and_no_name_is_looked_up(text: str) -> None:
    with mock.patch.object(socket, "getaddrinfo", side_effect=AssertionError("a look-up")):
        try:
            url = parse_webhook_url(text)
        except BadWebhookUrl:
            return
    assert url.port in (80, 443)
    if url.is_address:
        assert is_public(url.host)
    else:
        with pytest.raises(ValueError):
            ip_address(url.host)


@given(st.ip_addresses(v=4), st.sampled_from(["{a}", "{i}", "{h}", "{o}", "{a}.", "[::ffff:{a}]", "[64:ff9b::{a}]"]))
def test_an_address_in_any_dress_is_refused_unless_it_is_public_and_plain(address: IPv4Address, dress: str) -> None:
    host = dress.format(a=address, i=int(address), h=hex(int(address)), o=f"0{int(address):o}")
    try:
        url = parse_webhook_url(f"http://{host}/")
    except BadWebhookUrl:
        return
    assert url.host == str(address)
    assert is_public(str(address))


@pytest.mark.parametrize(
    "piece",
    ["a", "a.", "-", "a-", "_", "1", "1.", "0x", ":", "[", "]", "[::", "@", "%", "%41", "/", "?", "?&", "..", "xn--"],
)
def test_no_text_takes_long(piece: str) -> None:
    began = time.thread_time()
    for text in (
        f"http://{piece * MAX_URL}"[:MAX_URL],
        f"http://{piece * 300}!.org/"[:MAX_URL],
        f"http://a.org/{piece * 3000}",
    ):
        try:
            parse_webhook_url(text)
        except BadWebhookUrl:
            continue
    assert time.thread_time() - began < 0.05

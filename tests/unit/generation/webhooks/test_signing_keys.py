"""Which secrets and keys are accepted, and how they are read."""

import base64

import pytest

from app.generation.webhooks.signing_keys import read_public_key, read_secret, read_signing_key

KEY = bytes(range(32))
ENCODED = base64.b64encode(KEY).decode()
#: RFC 8032, section 7.1, test 1.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def encoded(prefix: str, key: bytes) -> str:
    return prefix + base64.b64encode(key).decode()


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_of_the_standard_has_24_to_64_bytes(length: int) -> None:
    assert read_secret(encoded("whsec_", bytes(length))) == bytes(length)


@pytest.mark.parametrize(
    "secret", [ENCODED, "a secret of an older service", "секрет старого сервиса", "WHSEC_" + ENCODED]
)
def test_another_secret_is_its_bytes(secret: str) -> None:
    assert read_secret(secret) == secret.encode()


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "x" * 23,
        "whsec_",
        encoded("whsec_", bytes(23)),
        encoded("whsec_", bytes(65)),
        encoded("whsec_", KEY)[:-1],
        f"whsec_{ENCODED} ",
        f"whsec_{'-_' * 20}==",
        "whsec_секрет",
    ],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError):
        read_secret(secret)


@pytest.mark.parametrize("key", [SEED, SEED + PUBLIC])
def test_the_public_key_follows_from_the_private_one(key: bytes) -> None:
    assert read_public_key(encoded("whsk_", key)) == encoded("whpk_", PUBLIC)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "whsk_",
        ENCODED,
        encoded("whsec_", KEY),
        encoded("whpk_", PUBLIC),
        encoded("whsk_", KEY[:31]),
        encoded("whsk_", KEY + b"x"),
        encoded("whsk_", SEED + KEY),
        encoded("whsk_", SEED + PUBLIC + b"x"),
        encoded("whsk_", SEED)[:-1],
        "whsk_ключ",
    ],
)
def test_what_is_no_signing_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError):
        read_signing_key(key)

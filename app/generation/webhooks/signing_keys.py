"""The keys of webhook signatures, as Standard Webhooks writes them: a shared secret, and a key pair of ed25519."""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
#: Permitted lengths of a decoded secret by Standard Webhooks, in bytes. A secret without the prefix has the least.
SECRET_BYTES = range(24, 65)
SEED_BYTES = 32


def read_secret(secret: str) -> bytes:
    """The key of `v1`: what follows `whsec_`, decoded; without that prefix the UTF-8 bytes. Raises ValueError."""
    if not secret.startswith(SECRET):
        key = secret.encode()
        if len(key) < SECRET_BYTES.start:
            raise ValueError(f"Shorter than {SECRET_BYTES.start} bytes, and does not begin with {SECRET}.")
        return key
    key = _decode(secret, SECRET)
    if len(key) not in SECRET_BYTES:
        lengths = f"{SECRET_BYTES.start} to {SECRET_BYTES.stop - 1}"
        raise ValueError(f"What follows {SECRET} is not base64 of {lengths} bytes.")
    return key


def read_signing_key(text: str) -> Ed25519PrivateKey:
    """The private key of `v1a` in `whsk_…`: its seed, or the seed and the public key. Raises ValueError."""
    if not text.startswith(PRIVATE):
        raise ValueError(f"Does not begin with {PRIVATE}.")
    seed, public = (pair := _decode(text, PRIVATE))[:SEED_BYTES], pair[SEED_BYTES:]
    if len(seed) != SEED_BYTES:
        raise ValueError(f"What follows {PRIVATE} is not base64 of {SEED_BYTES} or {2 * SEED_BYTES} bytes.")
    key = Ed25519PrivateKey.from_private_bytes(seed)
    if public not in (b"", key.public_key().public_bytes_raw()):
        raise ValueError(f"What follows {PRIVATE} is not a seed and its public key.")
    return key


def read_public_key(signing_key: str) -> str:
    """The public key of that private one, as `whpk_…`."""
    public = read_signing_key(signing_key).public_key().public_bytes_raw()
    return PUBLIC + base64.b64encode(public).decode()


def _decode(text: str, prefix: str) -> bytes:
    try:
        return base64.b64decode(text.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"What follows {prefix} is not base64.") from error

"""Checks of what this process was given: secrets, keys and files."""

import os
from collections.abc import Iterator, Sequence

from app.auth.jwks import KEY_TYPES, JwksError, fetch_keys
from app.operations.doctor.findings import Finding, State, judge
from app.settings import Settings
from app.settings.shown import fingerprint
from app.settings.weak_secrets import is_weak


def check_settings(settings: Settings) -> Iterator[Finding]:
    yield Finding(State.OK, "settings", "read")
    yield from _check_tokens(settings)
    if settings.webhook_secret is not None:
        found = _describe(settings.webhook_secret, settings.webhook_secret_old)
        yield Finding(State.OK, "webhook secret", found)
    yield _check_files_root(settings)


def _describe(secret: str, older: Sequence[str]) -> str:
    earlier = [fingerprint(each) for each in older]
    found = f"{len(secret.encode())} bytes, SHA-256 {fingerprint(secret)}"
    return f"{found}, also {', '.join(earlier)}" if earlier else found


def _check_tokens(settings: Settings) -> Iterator[Finding]:
    if settings.jwt_secret is not None:
        found, weak = _describe(settings.jwt_secret, settings.jwt_secret_old), is_weak(settings.jwt_secret)
        advice = "Set JWT_SECRET to a random value."
        yield judge("token secret", found, State.WARNING, advice, when=weak, clause="secret")
    if settings.jwt_jwks_url is not None:
        yield _check_keys(settings.jwt_jwks_url)
    if settings.app_env == "production" and any(claim.startswith("user_metadata") for claim in settings.tier_claims):
        advice = "Users can edit user_metadata: set TIER_CLAIMS=app_metadata.tier."
        yield Finding(State.WARNING, "tier claims", ",".join(settings.tier_claims), advice, "tiers")


def _check_keys(url: str) -> Finding:
    try:
        keys = fetch_keys(url)
    except JwksError as error:
        advice = "Check JWT_JWKS_URL and whether this host reaches it."
        return Finding(State.ERROR, "token keys", str(error), advice, "keys")
    found = ", ".join(f"{key_id} ({algorithm})" for key_id, algorithm in keys) or "no usable key"
    advice = f"Configure the sign-in to use {', '.join(KEY_TYPES)}, or unset JWT_JWKS_URL."
    return judge("token keys", found, State.WARNING, advice, when=not keys, clause="keys")


def _check_files_root(settings: Settings) -> Finding:
    root = settings.files_root
    if root.is_dir() and os.access(root, os.R_OK | os.X_OK):
        return Finding(State.OK, "files root", str(root.resolve()))
    advice = "Set FILES_ROOT to the folder of the courses' files."
    return Finding(State.ERROR, "files root", f"{root} can't be read", advice, "files")

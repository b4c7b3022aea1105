"""Paths that a URL may name to lead back to."""

from urllib.parse import urlsplit


def is_own_path(path: str) -> bool:
    """Whether a redirect there stays on the console: browsers read `\\` as `/`, and skip control characters."""
    return path.isprintable() and path.startswith("/") and path[1:2] not in ("/", "\\") and not urlsplit(path).netloc

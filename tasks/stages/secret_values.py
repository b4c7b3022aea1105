"""Secrets in what a handler says: an error or a log line names the variable, not its value."""

import re
from collections.abc import Callable, Mapping

#: Variables whose values are secrets.
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|PROXY", re.IGNORECASE)
#: A shorter value may be part of any text.
MIN_LENGTH = 8


def hide_secrets(variables: Mapping[str, str]) -> Callable[[str], str]:
    """A function that replaces the values of secret variables in a text by their names."""
    names = {
        value: name
        for name, value in variables.items()
        if SECRET_NAME.search(name) and len(value.strip()) >= MIN_LENGTH
    }
    if not names:
        return str
    # The longest first: one may be part of another.
    found = re.compile("|".join(re.escape(value) for value in sorted(names, key=len, reverse=True)))
    return lambda text: found.sub(lambda match: f"[{names[match[0]]}]", text)

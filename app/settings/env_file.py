"""The file with the environment of the units, for commands that are run by hand."""

import io
import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from dotenv.parser import parse_stream

from app.generation.stages import Stage
from app.settings.environment import Settings

#: The file that the units of `deploy/` name.
UNITS_FILE = Path("/etc/course-generation/env")
#: Names another file.
VARIABLE = "COURSEGEN_ENV_FILE"

#: What else belongs to the service: settings by stage, and what its libraries read.
_PREFIXES = ("HANDLER_", "STAGE_", "BUDGET_", "PG", "OTEL_", "SSL_CERT_")


class BadEnvFile(Exception):
    """The file can't be read, or not as systemd reads it; the message says why, and repeats no value."""


def load_env_file(path: Path | None = None) -> bool:
    """The variables of the file that belong to the service are set, unless the environment has them already.

    Without a path it is the units' file, if there is one and the environment names no database: two environments are
    not mixed unasked. Returns whether it could be read. Processes that this one starts inherit the variables and read
    no file. Raises `BadEnvFile`.
    """
    if path is None and "DATABASE_URL" in os.environ:
        return True
    try:
        text = (path or UNITS_FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        if path is None:
            return not isinstance(error, PermissionError)
        raise BadEnvFile(f"{path} can't be read: {error.strerror}.") from error
    except OSError as error:
        raise BadEnvFile(f"{path or UNITS_FILE} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadEnvFile(f"{path or UNITS_FILE} can't be read: it is not UTF-8.") from error
    values = dict(_read(path or UNITS_FILE, text))
    ours = {field.name.upper() for field in fields(Settings) if field.metadata} | _handlers_names(values)
    for name, value in values.items():
        if name in ours or name.startswith(_PREFIXES):
            os.environ.setdefault(name, value)
    os.environ[VARIABLE] = os.devnull
    return True


def _read(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for binding in parse_stream(io.StringIO(text)):
        line = binding.original.string.lstrip()
        number = binding.original.line + binding.original.string[: -len(line) or None].count("\n")
        if line.startswith(";"):  # a comment to systemd
            continue
        if binding.key is None and not binding.error:
            continue
        if binding.key is None or binding.value is None or not line.startswith(binding.key) or "\0" in line:
            raise BadEnvFile(f"{path}, line {number}: not NAME=value.")
        raw, value = line.partition("=")[2].strip(), binding.value
        is_same = raw in (value, f"'{value}'", f'"{value}"') and ("\\" not in raw or raw[0] == "'")
        if not is_same:  # the units would have another value
            advice = "put the value into single quotes, and a comment on a line of its own"
            raise BadEnvFile(f"{path}, line {number}: {advice} ({binding.key}).")
        yield binding.key, value


def _handlers_names(values: dict[str, str]) -> set[str]:
    """The variables that stages' handlers get."""
    lists = ((values | dict(os.environ)).get(f"HANDLER_{stage.value}_ENV", "") for stage in Stage)
    return {name.strip() for names in lists for name in names.split(",")}

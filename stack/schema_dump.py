"""`python -m stack.schema_dump`: writes `sql/schema.sql`, the schema after all migrations and functions.

With `--check` it changes nothing and exits with 1 where the file differs.
"""

import difflib
import re
import subprocess
import sys

from app.database.migrations import migrate
from app.database.queries import SQL
from stack.postgres import PostgresServer
from stack.server import server_environment

FILE = SQL / "schema.sql"


def dump_schema(server: PostgresServer, database_url: str) -> str:
    """The schema of the database as pg_dump writes it, without what changes from run to run and from host to host."""
    command = [str(server.bin_dir / "pg_dump"), "--schema-only", "--no-owner", f"--dbname={database_url}"]
    done = subprocess.run(
        command, env=server_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    text = re.sub(r"^(\\(un)?restrict .*|-- Dumped (from|by) .*)\n", "", done.stdout, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text)


def main() -> int:
    with PostgresServer() as server:
        database_url = server.create_database("schema_dump")
        migrate(database_url)
        dumped = dump_schema(server, database_url)
    if sys.argv[1:] != ["--check"]:
        FILE.write_text(dumped, encoding="utf-8")
        return 0
    committed = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    difference = difflib.unified_diff(
        committed.splitlines(), dumped.splitlines(), "sql/schema.sql", "now", lineterm="", n=2
    )
    sys.stdout.writelines(f"{line}\n" for line in difference)
    return int(dumped != committed)


if __name__ == "__main__":
    sys.exit(main())

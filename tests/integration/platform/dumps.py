"""A database as pg_dump writes it, rows included."""

import re
import subprocess
from collections.abc import Collection
from pathlib import Path

import psycopg

from stack.postgres import PostgresServer
from stack.server import server_environment
from tests.conftest import POSTGRES_15


def dump(url: str, *, without_rows_of: Collection[str] = ()) -> str:
    """Schema and rows, sorted where the order is chance. Of some tables the rows are left out."""
    with psycopg.connect(url) as conn:
        is_oldest = conn.info.server_version < 160000
    bin_dir = POSTGRES_15 if is_oldest else Path(PostgresServer().bin_dir)
    options = [f"--exclude-table-data={table}" for table in without_rows_of]
    done = subprocess.run(
        [str(bin_dir / "pg_dump"), *options, "--dbname", url],
        env=server_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"^\\(un)?restrict .*\n", "", done.stdout, flags=re.MULTILINE)

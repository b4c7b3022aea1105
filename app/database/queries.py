"""The named queries of `sql/queries`, loaded once, and the scripts of `sql/setup`.

Each file holds queries, each under a line `-- name: the_name` and a comment on what it does.
"""

import re
from pathlib import Path
from typing import LiteralString, cast

SQL = Path(__file__).resolve().parents[2] / "sql"

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_queries(folder: Path = SQL / "queries") -> dict[str, LiteralString]:
    """The text of every query by its name. Raises ValueError for a duplicate name."""
    queries: dict[str, LiteralString] = {}
    for path in sorted(folder.rglob("*.sql")):
        _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in queries:
                raise ValueError(f"The query {name} is defined twice, the second time in {path.name}")
            # The files are this project's own source, as trusted as a literal in the code.
            queries[name] = cast(LiteralString, text.strip().rstrip(";"))
    return queries


def read_setup(name: str) -> bytes:
    """The script of that name in `sql/setup`."""
    return (SQL / "setup" / f"{name}.sql").read_bytes()


QUERIES = load_queries()

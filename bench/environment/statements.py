"""SQL of the benchmarks by name: all that names tables or functions of the service is in `bench/sql`."""

from pathlib import Path

from app.database.queries import load_queries

FOLDER = Path(__file__).resolve().parents[1] / "sql"

SQL = load_queries(FOLDER)


def peer_statements() -> dict[str, str]:
    """Statements of the other stacks, with `$1`, `$2`, … for their values in order, and without comments."""
    return {name: _without_comments(text) for name, text in load_queries(FOLDER / "peers").items()}


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))

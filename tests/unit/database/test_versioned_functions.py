"""The queries call functions by a version, so that a process of an earlier release finds the ones it knows."""

import re

from app.database.queries import SQL

FUNCTIONS = {file.stem for file in (SQL / "functions").rglob("*.sql")}
#: Replaced by operators, so their names stay.
OPERATORS = ("user_tier",)
CALL = re.compile(r"\bcoursegen\.(\w+)\s*\(", re.IGNORECASE)


def test_no_query_calls_a_function_without_a_version() -> None:
    called = {
        (file.name, name)
        for file in (SQL / "queries").rglob("*.sql")
        for name in CALL.findall(file.read_text(encoding="utf-8"))
        if name in FUNCTIONS and name not in OPERATORS
    }
    assert ("admission.sql", "admit_generations_v2") in called
    assert [call for call in sorted(called) if not re.search(r"_v[0-9]+$", call[1])] == []

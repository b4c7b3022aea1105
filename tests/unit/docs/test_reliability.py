"""Every promise of `docs/reliability.md` names tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def existing_tests() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py")]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"\b(test_\w+)\b(?!\.py)", PAGE))
    assert len(named) > 20
    assert named - existing_tests() == set()


def test_every_promise_names_its_test() -> None:
    [table] = re.findall(r"^## What is promised\n\n(.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
    for row in table.splitlines()[2:]:
        assert re.search(r"`test_\w+`[^|]*\|$", row), row

"""What nothing uses is not kept: queries, SQL functions, styles and templates."""

import re
from pathlib import Path

from app.database.queries import QUERIES

ROOT = Path(__file__).resolve().parents[3]
CONSOLE = ROOT / "app" / "console"
SHIPPED = ("app", "tasks", "coursegen", "stack", "bench")
#: The prefix of the queries that upkeep runs one after another.
FAMILY = "prune_"


def read_all(folder: Path, *suffixes: str) -> dict[Path, str]:
    files = [file for file in folder.rglob("*") if file.suffix in suffixes and "vendor" not in file.parts]
    return {file: file.read_text(encoding="utf-8") for file in files}


def test_every_query_is_run() -> None:
    code = "\n".join(text for folder in SHIPPED for text in read_all(ROOT / folder, ".py").values())
    assert f'f"{FAMILY}' in code
    assert [name for name in QUERIES if f'"{name}"' not in code and not name.startswith(FAMILY)] == []


def test_every_function_is_called() -> None:
    """But those of the release before, and those that others call."""
    files = {file: text for file, text in read_all(ROOT / "sql", ".sql").items() if file.name != "schema.sql"}
    called = {file: set(re.findall(r"\w+", text)) for file, text in files.items() if file.parent.name != "setup"}
    functions = [file for file in files if "functions" in file.parts and file.parent.name != "earlier"]
    unused = [
        function.stem
        for function in functions
        if not any(function.stem in names for file, names in called.items() if file != function)
    ]
    assert unused == ["reset_course_progress"]  # the platform's own code calls it


def test_every_style_and_template_is_used() -> None:
    pages = read_all(CONSOLE, ".html", ".js", ".py")
    words = set(re.findall(r"[\w-]+", "\n".join(pages.values())))
    styles = (CONSOLE / "static" / "console.css").read_text(encoding="utf-8")
    classes = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"\{[^}]*\}", " ", styles)))
    assert {name for name in classes - words if not name.startswith("u-")} == {"production"}  # uPlot's, and an APP_ENV
    named = set(re.findall(r'"([\w/]+\.html)"', "\n".join(pages.values())))
    names = {str(file.relative_to(CONSOLE / "templates")) for file in pages if file.suffix == ".html"}
    computed = {name for name in names if name.startswith("live/")}  # `render_live` names them
    assert names - named - computed == set()

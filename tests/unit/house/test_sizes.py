"""Files and folders stay as small as CONTRIBUTING.md says."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MOST_LINES = 300
MOST_FILES = 12
SOURCES = {".py", ".sql", ".html", ".js", ".css", ".lua"}
#: What is generated or vendored, has one file a change, or is mostly expected text.
WITHOUT_LINES = {"sql/schema.sql", "tests/unit/pipeline/formats/office/test_word_content.py"}
WITHOUT_COUNT = {"sql/migrations"}
SKIPPED = {"vendor", "node_modules", "corpus"}
#: Every package has these.
UNCOUNTED = {"__init__.py", "conftest.py"}


def list_sources() -> list[Path]:
    folders = ("app", "tasks", "pipeline", "coursegen", "sql", "stack", "bench", "tests")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in SOURCES]
    return [file.relative_to(ROOT) for file in files if not SKIPPED & set(file.parts)]


def test_no_file_is_too_long() -> None:
    lengths = {str(file): len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in list_sources()}
    assert len(lengths) > 500
    assert {file for file, lines in lengths.items() if lines > MOST_LINES} == WITHOUT_LINES


def test_no_folder_has_too_many_files() -> None:
    folders: dict[str, int] = {}
    for file in list_sources():
        if file.name not in UNCOUNTED:
            folders[str(file.parent)] = folders.get(str(file.parent), 0) + 1
    assert {folder for folder, files in folders.items() if files > MOST_FILES} == WITHOUT_COUNT

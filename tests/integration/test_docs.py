"""Runs the SQL of the documents, and compares their tables with the code."""

import re
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.rows import DictRow

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def test_every_statement_of_getting_started_runs(conn: psycopg.Connection[DictRow]) -> None:
    page = (DOCS / "getting-started.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    user = str(uuid4())
    for block in blocks:
        for statement in filter(str.strip, block.replace("<user id>", user).split(";")):
            conn.execute(statement.encode())
    [course] = conn.execute("select slug, user_id::text, generation_progress from courses").fetchall()
    assert (course["slug"], course["user_id"]) == ("my-course", user)
    assert course["generation_progress"]["files"][0]["path"] == "notes.md"


def test_every_object_of_our_schema_that_is_documented_exists(conn: psycopg.Connection[DictRow]) -> None:
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    named = {
        name
        for page in pages
        for name in re.findall(r"(?<![\w-])coursegen\.([a-z]\w+)", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 5
    found = conn.execute(
        "select relname as name from pg_class where relnamespace = 'coursegen'::regnamespace"
        " union select proname from pg_proc where pronamespace = 'coursegen'::regnamespace"
    ).fetchall()
    assert named - {row["name"] for row in found} == set()


def test_the_state_machine_names_every_verb_and_every_state(conn: psycopg.Connection[DictRow]) -> None:
    page = (DOCS / "state-machine.md").read_text(encoding="utf-8")
    rows = conn.execute(
        "select proname as name, prosrc as source from pg_proc"
        " where pronamespace = 'coursegen'::regnamespace and proname ~ '_v[0-9]+$' and 'outcome' = any(proargnames)"
    ).fetchall()
    newest: dict[str, int] = {}
    for row in rows:
        verb, _, version = row["name"].rpartition("_v")
        newest[verb] = max(newest.get(verb, 0), int(version))
    verbs = {row["name"]: row["source"] for row in rows if row["name"] in {f"{v}_v{n}" for v, n in newest.items()}}
    assert set(verbs) == set(re.findall(r"^\| `(\w+_v\d+)", page, re.MULTILINE))
    outcomes = dict(re.findall(r"^\| `(\w+_v\d+).* \| (`[\w`, ]+`) \|$", page, re.MULTILINE))
    assert set(outcomes) == set(verbs)
    for verb, named in outcomes.items():
        source = verbs[verb]
        source = source.replace("'key_' || picked.outcome", "'key_in_flight' 'key_reused'")
        assert {name for name in re.findall(r"\w+", named) if f"'{name}'" not in source} == set(), verb
        assert set(re.findall(r"outcome := '(\w+)'", source)) - set(re.findall(r"\w+", named)) == set(), verb
    states = conn.execute("select unnest(enum_range(null::coursegen.generation_status))::text as name").fetchall()
    documented = ", ".join(re.findall(r"^\| ([a-z_, ]+) \| (?:yes|later) \|", page, re.MULTILINE))
    assert {row["name"] for row in states} == set(documented.split(", "))


def test_getting_started_shows_what_run_prints() -> None:
    page = (DOCS / "getting-started.md").read_text(encoding="utf-8")
    source = (ROOT / "stack" / "run" / "guide.py").read_text(encoding="utf-8")
    for words in (
        "API       ",
        "docs      ",
        "console   ",
        "files     ",
        "logs      ",
        "Generate a course, with the token of its owner (or ",
        "Operate; the console's link above signs in once, within an hour:",
        "Ready. Ctrl-C stops everything.",
    ):
        assert words in source
        assert words in page

"""Compares the documents with the code."""

import re
from dataclasses import fields
from pathlib import Path

from click import Context, Group

from app.settings import Settings
from app.settings.stages import HANDLERS
from coursegen.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
DECISIONS = ROOT / "docs" / "decisions"
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")]


def test_every_setting_is_documented_and_no_other() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = {
        name for row in re.findall(r"^\| (`[A-Z].*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    settings = {setting.name.upper() for setting in fields(Settings)} - {
        "HANDLERS",
        "HANDLER_VARIABLES",
        "STAGE_LIMITS",
        "STAGE_RULES",
        "BUDGET",
    }
    budget = {"BUDGET_CALLS", "BUDGET_TOKENS", "BUDGET_MONEY"}
    assert documented == settings | budget | {f"HANDLER_{stage.value}" for stage in HANDLERS}


def test_the_handlers_that_ship_are_documented() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert all(f"| `HANDLER_{stage.value}` | `{path}` |" in table for stage, path in HANDLERS.items())


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in DOCUMENTS:
        for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", document.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                page = document.parent / target if target else document
                assert page.exists(), f"{document.name} links to {target}"
                assert not anchor or anchor in anchors(page), f"{document.name} links to {target}#{anchor}"


def test_every_page_is_linked_from_the_readme_or_an_index() -> None:
    linked = {
        (document.parent / target).resolve()
        for document in (ROOT / "README.md", DECISIONS / "README.md")
        for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8"))
    }
    assert {page for page in DOCUMENTS if page.is_relative_to(ROOT / "docs")} - linked == set()


def test_every_decision_is_dated_and_says_what_would_change_it() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    pages = sorted(set(DECISIONS.glob("*.md")) - {DECISIONS / "README.md"})
    assert len(pages) > 10
    for page in pages:
        text = page.read_text(encoding="utf-8")
        date = page.name[: len("2026-11-23")]
        title, _, said, *_ = text.splitlines()
        assert said.startswith(f"{date} · "), page.name
        assert f"| {date} | [{title.removeprefix('# ')}]({page.name}) |" in index, page.name
        parts = ["Context", "Options", "Decision", "What would change it"]
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert [heading for heading in headings if heading in parts] == parts, page.name


def test_every_log_event_of_the_runbook_is_one() -> None:
    page = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    symptoms = re.findall(r"^\| ([^|]* in the log)", page, re.MULTILINE)
    named = {name for symptom in symptoms for name in re.findall(r"`(\w+)`", symptom)}
    assert len(named) > 10
    source = "".join(
        path.read_text(encoding="utf-8") for folder in ("app", "tasks") for path in (ROOT / folder).rglob("*.py")
    )
    webhooks = {f"webhook_{state}" for state in ("delivered", "failed", "given_up", "gone")}
    assert {name for name in named - webhooks if f'"{name}"' not in source} == set()


def test_every_command_of_the_documents_exists() -> None:
    context = Context(main)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    named = {
        words
        for document in DOCUMENTS
        for words in re.findall(
            r"(?:`|^ {4,})coursegen (\w+)(?: (\w+))?", document.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert len(named) > 15
    for command, argument in named:
        assert command in commands, command
        group = commands[command]
        assert not (argument and isinstance(group, Group)) or argument in group.commands, f"{command} {argument}"


def test_every_command_of_the_readme_is_in_the_makefile() -> None:
    commands = set(re.findall(r"(?:`|^ +)make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test", "run"} <= commands
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)


def test_the_readme_has_every_tier_with_its_slots_and_priority() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z]+) \| (\d+) \| (\d+) \|$", readme, re.MULTILINE)
    [migration] = (ROOT / "sql" / "migrations").glob("*_controls.sql")
    assert rows == re.findall(r"\('([A-Z]+)', (\d+), (\d+)\)", migration.read_text(encoding="utf-8"))


def test_every_number_that_is_a_default_is_documented() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `.*?`?(\w+)` \| (.*?) \|", table, re.MULTILINE))
    defaults = {setting.name.upper(): setting.metadata.get("default") for setting in fields(Settings)}
    for name, default in defaults.items():
        if isinstance(default, int | float):
            assert f"`{default:g}`" in rows[name], name

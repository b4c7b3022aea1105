"""The documents say what the code does, where that can be checked."""

import re
from dataclasses import fields
from pathlib import Path

from app.settings import HANDLERS, Settings

ROOT = Path(__file__).resolve().parents[3]


def test_every_setting_is_documented_and_no_other() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = {
        name for row in re.findall(r"^\| (`[A-Z].*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    settings = {setting.name.upper() for setting in fields(Settings)} - {"HANDLERS"}
    assert documented == settings | {f"HANDLER_{stage.value}" for stage in HANDLERS}


def test_the_handlers_that_ship_are_documented() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert all(f"| `HANDLER_{stage.value}` | `{path}` |" in table for stage, path in HANDLERS.items())


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_command_of_the_readme_is_in_the_makefile() -> None:
    commands = set(re.findall(r"(?:`|^ +)make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test", "run"} <= commands
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)

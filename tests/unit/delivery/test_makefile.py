"""The commands of the project, and the habits that they stand for."""

import re
import subprocess
from typing import Any

import yaml

from tests.unit.delivery.delivered import ROOT, TOOLS


def make(*arguments: str) -> str:
    """What make prints."""
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def recipe(target: str) -> str:
    """The commands of the target, which are not run."""
    return make("--dry-run", "--always-make", target)


def test_make_alone_lists_every_command_that_contributing_names() -> None:
    listed = set(re.findall(r"^make (\w+)", make(), re.MULTILINE))
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^ +)make (\w+)", text, re.MULTILINE))
    assert {"setup", "test", "check", "matrix", "lock"} <= named <= listed


def test_contributing_fits_a_page() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 60


def test_every_test_runs_in_make_check_or_make_clients_and_the_slow_ones_nowhere_else() -> None:
    def selections(target: str) -> list[str]:
        found = re.findall(
            r"-m pytest .*?((?:--ignore )?tests/alone)(?: .*-m '([a-z ]+)')?$", recipe(target), re.MULTILINE
        )
        return [f"{folder} {marks}".strip() for folder, marks in found]

    assert selections("check") == ["--ignore tests/alone not clients", "tests/alone"]
    assert selections("test") == ["--ignore tests/alone not slow and not clients", "tests/alone not slow"]
    assert "-m pytest tests/acceptance/clients" in recipe("clients")


def test_make_check_runs_every_check_of_the_source() -> None:
    for tool in ["ruff format --check", "ruff check", "mypy", "lint_imports"]:
        assert tool in recipe("check")


def test_ci_runs_make_check() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "make check"


def test_the_hooks_before_a_commit_run_the_tools_of_the_environment() -> None:
    done = subprocess.run([TOOLS / "pre-commit", "validate-config"], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    config: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in config["repos"][0]["hooks"])


def test_what_operators_read_names_coursegen_and_no_target_of_development() -> None:
    """A server has neither make nor the packages that its targets install."""
    targets = "|".join(set(re.findall(r"^make (\w+)", make(), re.MULTILINE)) - {"image"})
    for place in ["app", "tasks", "pipeline", "coursegen", "sql", "deploy", "docs/runbook.md", "docs/deployment.md"]:
        folder = ROOT / place
        files = [folder] if folder.is_file() else [file for file in folder.rglob("*") if file.is_file()]
        texts = {file: file.read_text(encoding="utf-8") for file in files if file.suffix not in {".pyc", ".js", ".css"}}
        assert texts
        for file, text in texts.items():
            assert not re.search(rf"\bmake ({targets})\b|requirements-dev", text), file


def test_the_image_is_built_from_the_base_that_was_named() -> None:
    run = make("--dry-run", "--always-make", "image", "BASE=debootstrap", "BUILD_OPTIONS=--network host")
    assert "-m stack.image --base debootstrap -- --network host" in run

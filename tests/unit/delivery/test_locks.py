"""The locks hold what pyproject.toml declares, and everything is installed from them by its hash."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[3]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS: dict[str, list[str | dict[str, str]]] = PROJECT["dependency-groups"]

#: Each lock and the dependency group that it holds beside the dependencies of the project.
LOCKS = {"requirements.lock": "build", "requirements-dev.lock": "dev"}
#: The one that holds its group alone.
OTEL = "requirements-otel.lock"

#: What the image holds of the code.
SHIPPED = ("app", "tasks", "pipeline", "coursegen")

PIN = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\\n"
    r"(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)


def read(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, re.Match[str]]:
    return {found["name"]: found for found in PIN.finditer(read(lock))}


def declared(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for in this lock, without what that needs in turn."""
    lines = _group("otel") if lock == OTEL else [*PROJECT["project"]["dependencies"], *_group(LOCKS[lock])]
    return [Requirement(line) for line in lines]


def _group(name: str) -> Iterable[str]:
    for entry in GROUPS[name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _group(entry["include-group"])


def needed(requirements: Iterable[Requirement]) -> set[str]:
    """The requirements and all that they need in turn, for this Python, as the installed packages say."""
    names: dict[tuple[str, str], None] = {}
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        for extra in ["", *requirement.extras]:
            key = (canonicalize_name(requirement.name), extra)
            if key not in names:
                names[key] = None
                further = map(Requirement, requires(requirement.name) or [])
                waiting += [each for each in further if each.marker is None or each.marker.evaluate({"extra": extra})]
    return {name for name, _ in names}


@pytest.mark.parametrize("lock", [*LOCKS, OTEL])
def test_a_lock_holds_pins_with_hashes_and_names_no_index(lock: str) -> None:
    lines = PIN.sub("", read(lock)).splitlines()
    assert [line for line in lines if line and not line.lstrip().startswith("#")] == []
    assert "://" not in read(lock)


@pytest.mark.parametrize("lock", [*LOCKS, OTEL])
def test_a_lock_is_in_step_with_the_declared_dependencies(lock: str) -> None:
    pinned = pins(lock)
    for requirement in declared(lock):
        pin = pinned.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in {lock}: run `make lock`"
        assert requirement.specifier.contains(Version(pin["version"])), f"{requirement}: run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_is_needed_and_nothing_else(lock: str) -> None:
    held = {name for name, pin in pins(lock).items() if not pin["marker"] or Marker(pin["marker"]).evaluate()}
    assert held == needed(declared(lock))


def test_all_locks_pin_the_same_releases() -> None:
    development, traces = pins("requirements-dev.lock"), pins(OTEL)
    for name, pin in pins("requirements.lock").items():
        assert _release(development[name]) == _release(pin)
    assert {name: traces[name]["version"] for name in traces.keys() & development.keys()} == {
        name: development[name]["version"] for name in traces.keys() & development.keys()
    }


def _release(pin: re.Match[str]) -> Mapping[str, str]:
    return pin.groupdict()


#: The parser and the event loop that its settings name.
LOADED_BY_UVICORN = {"httptools", "uvloop"}


def test_what_is_declared_is_what_the_shipped_code_imports() -> None:
    distributions = packages_distributions()
    imported = {name for folder in SHIPPED for path in (ROOT / folder).rglob("*.py") for name in _imports(path)}
    used = {canonicalize_name(distributions[name][0]) for name in imported if name in distributions}
    names = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    assert used - {"course-generation"} == names - LOADED_BY_UVICORN
    assert names > LOADED_BY_UVICORN


def _imports(path: Path) -> Iterator[str]:
    """The top-level names that the file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_the_project_is_built_by_what_the_locks_hold() -> None:
    assert PROJECT["build-system"]["requires"] == GROUPS["build"]


@pytest.mark.parametrize(("file", "lock"), [("Dockerfile", "requirements.lock"), ("Makefile", "requirements-dev.lock")])
def test_every_installation_is_from_a_lock_by_hash_or_of_the_project_alone(file: str, lock: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    installs = re.findall(
        r"(?:pip .*? install|\$\(PIP_INSTALL\)) (.*)", re.sub(r"^PIP_INSTALL := .*", "", text, flags=re.M)
    )
    dependencies, *others, project = installs
    expected = {
        "Dockerfile": "--only-binary :all: --constraint /tmp/installed.txt ${PLUGINS}; fi",
        "Makefile": "--require-hashes --only-binary :all: --target .venv/otel -r requirements-otel.lock",
    }
    assert others == [expected[file]]
    assert dependencies.split() == ["--require-hashes", "--only-binary", ":all:", "-r", lock]
    assert {"--no-index", "--no-deps", "--no-build-isolation"} < set(project.split())

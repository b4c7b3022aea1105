"""The Dockerfile, and what the builder is sent."""

import re
import subprocess
import sys
from pathlib import Path

from app.settings import VERSION
from stack.image.__main__ import BASE, COMMANDS
from tests.unit.delivery.delivered import ROOT, TOOLS, commands, dockerfile, image, sent_to_the_builder


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run([TOOLS / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    (user,) = image("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user.value)


def test_both_stages_stand_on_one_base_that_the_builder_may_name() -> None:
    assert {re.sub(" AS .*", "", line.value) for line in dockerfile() if line.name == "FROM"} == {"${BASE}"}
    (base,) = (line.pairs()["BASE"] for line in dockerfile() if line.name == "ARG" and line.stage == -1)
    assert base == BASE
    assert re.fullmatch(r"[a-z]+:\d+\.\d+[a-z-]*", base)  # pinned, and of no registry by name


def test_the_image_is_tried_with_what_the_composition_runs() -> None:
    assert commands() == COMMANDS


def test_without_a_tool_that_works_the_target_says_so(tmp_path: Path) -> None:
    for tool in ["docker", "podman"]:
        (tmp_path / tool).write_text("#!/bin/sh\nexit 1\n")  # a client without its daemon
        (tmp_path / tool).chmod(0o755)
    command = [sys.executable, "-m", "stack.image"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    expected = "The image failed: it needs a tool that works here: docker or podman or buildah\n"
    assert (done.returncode, done.stderr) == (1, expected)


def test_the_image_starts_the_api_is_asked_whether_it_lives_and_is_stopped_by_sigterm() -> None:
    assert image("CMD")[0].argv() == ["coursegen", "api"]
    assert "/livez" in image("HEALTHCHECK")[0].argv()[-1]
    assert image("STOPSIGNAL")[0].value == "SIGTERM"


def test_the_image_holds_no_tests_no_tools_of_development_and_no_secret() -> None:
    copied = " ".join(line.value for line in dockerfile() if line.name in {"COPY", "ADD"})
    assert not re.search(r"tests|requirements-dev|bench|stack|\.env|(^| )\.( |$)", copied)
    for path in [".env", ".git/config", "tests/conftest.py", "stack/demo.py", "app/__pycache__/a.pyc", "docs/api.md"]:
        assert not sent_to_the_builder(path), path


def test_everything_the_dockerfile_copies_is_there_and_sent_to_the_builder() -> None:
    for line in dockerfile():
        if line.name == "COPY" and "--from" not in line.value:
            for source in line.value.split()[:-1]:
                path = ROOT / source
                assert path.exists(), source
                names = [path] if path.is_file() else [name for name in path.rglob("*.*") if name.suffix != ".pyc"]
                assert names
                assert all(sent_to_the_builder(str(name.relative_to(ROOT))) for name in names)


def test_the_builder_names_the_release_in_the_label_and_the_code_names_it_in_the_log() -> None:
    assert image("LABEL")[0].pairs()["org.opencontainers.image.version"] == "${VERSION}"
    assert "pyproject.toml" in [source for line in image("COPY") for source in line.value.split()]
    for file in ["Dockerfile", "compose.yaml", ".env.example"]:
        assert VERSION not in (ROOT / file).read_text(encoding="utf-8")


def test_the_image_finds_the_commands_of_the_system_that_its_build_runs() -> None:
    """Debian keeps `groupadd` and `useradd` in /usr/sbin."""
    assert {"/venv/bin", "/usr/sbin", "/usr/bin", "/bin"} <= set(image("ENV")[0].pairs()["PATH"].split(":"))


def test_plug_ins_are_installed_only_if_the_builder_names_them_and_change_no_package_of_the_service(
    tmp_path: Path,
) -> None:
    """The instruction itself, with a stand-in for pip that says how it was called."""
    (line,) = (line.value for line in dockerfile() if line.name == "RUN" and "PLUGINS" in line.value)
    (default,) = (line.pairs()["PLUGINS"] for line in dockerfile() if line.name == "ARG" and "PLUGINS" in line.value)
    assert default == ""
    (tmp_path / "python").write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    (tmp_path / "python").chmod(0o755)
    command = line.replace("/tmp/installed.txt", str(tmp_path / "installed.txt"))

    def run(plug_ins: str) -> list[str]:
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PLUGINS": plug_ins}
        return subprocess.run(
            ["sh", "-ec", command], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()

    assert run("") == []
    words = run("openai~=3.57 my-plugin>=1.2")
    assert words[-4:] == ["--constraint", str(tmp_path / "installed.txt"), "openai~=3.57", "my-plugin>=1.2"]
    assert "freeze" in (tmp_path / "installed.txt").read_text().split()

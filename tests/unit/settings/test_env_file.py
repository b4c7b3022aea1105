import os
from pathlib import Path
from unittest import mock

import pytest

from app.settings import env_file
from app.settings.env_file import VARIABLE, BadEnvFile, load_env_file


def load(path: Path | None, **environment: str) -> dict[str, str]:
    """The environment after the file was read in that one."""
    with mock.patch.dict(os.environ, environment, clear=True):
        load_env_file(path)
        return dict(os.environ)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("JWT_SECRET=a#b$c=d", "a#b$c=d"),
        ("JWT_SECRET='a # b $c \\d'", "a # b $c \\d"),
        ('JWT_SECRET="a # b"', "a # b"),
        ("  JWT_SECRET = spaced  ", "spaced"),
        ("JWT_SECRET=", ""),
        ("# JWT_SECRET=old\n; a comment, to systemd\nJWT_SECRET=first\nJWT_SECRET=last", "last"),
    ],
)
def test_a_value_is_read_as_systemd_reads_it(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / "env").write_text(line)
    assert load(tmp_path / "env")["JWT_SECRET"] == value


@pytest.mark.parametrize("line", ["JWT_SECRET=hunter2 # old", "JWT_SECRET='hunter2' # old", "JWT_SECRET=hunter2\\x"])
def test_a_value_that_systemd_reads_otherwise_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    (tmp_path / "env").write_text(f"# first\n\n{line}\n")
    with pytest.raises(BadEnvFile, match=r"env, line 3: put the value into single quotes.*\(JWT_SECRET\)") as caught:
        load(tmp_path / "env")
    assert "hunter2" not in str(caught.value)


def test_the_environment_wins_and_only_the_service_s_variables_are_set(tmp_path: Path) -> None:
    (tmp_path / "env").write_text(
        "PORT=9000\nHOST=10.0.0.1\nPATH=/evil\nLD_PRELOAD=/evil.so\nPGSSLMODE=require\nMODEL_KEY=k\nOTHER_KEY=o\n"
        "STAGE_FINALIZATION_STARTS=2\nHANDLER_TEXT_GENERATION_ENV=MODEL_KEY, OTHER\n"
    )
    assert load(tmp_path / "env", PORT="8000", PATH="/bin") == {
        "PORT": "8000",
        "HOST": "10.0.0.1",
        "PATH": "/bin",
        "PGSSLMODE": "require",
        "MODEL_KEY": "k",
        "STAGE_FINALIZATION_STARTS": "2",
        "HANDLER_TEXT_GENERATION_ENV": "MODEL_KEY, OTHER",
        VARIABLE: os.devnull,  # for the processes that this one starts
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"\xff\xfe", "not UTF-8"),
        (b"HOST=a\nPORT\n", "line 2: not NAME=value"),
        (b"HOST='a\n", "line 1"),
        (b"export HOST=a\n", "line 1: not NAME=value"),
        (b"HOST=a\0b\n", "line 1: not NAME=value"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "env").write_bytes(content)
    with pytest.raises(BadEnvFile, match=reason) as caught:
        load(tmp_path / "env")
    assert len(str(caught.value).splitlines()) == 1


def test_without_a_path_it_is_the_units_file_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env_file, "UNITS_FILE", tmp_path / "env")
    assert "HOST" not in load(None)
    (tmp_path / "env").write_text("HOST=10.0.0.1\n")
    assert load(None)["HOST"] == "10.0.0.1"
    assert "HOST" not in load(None, DATABASE_URL="postgresql://elsewhere/x")  # two environments are not mixed


def test_a_units_file_that_this_user_may_not_read_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = mock.Mock(side_effect=PermissionError(13, "Permission denied"))
    monkeypatch.setattr(Path, "read_text", refuse)
    with mock.patch.dict(os.environ, {}, clear=True):
        assert load_env_file() is False
    with pytest.raises(BadEnvFile, match="Permission denied"):
        load(Path("env"))

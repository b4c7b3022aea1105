"""Files are read below the files root and nowhere else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pipeline.course_files import MAX_FILE_BYTES, FileRefused, open_root, read_file

NOBODY = 65534


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "files"
    (root / "course").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (root / "course" / "lecture.md").write_text("# Lecture")
    return open_root(str(root))


def test_file_below_the_root_is_read(root: Path) -> None:
    assert read_file(root, "course/lecture.md") == b"# Lecture"


def test_link_that_stays_below_the_root_is_followed(root: Path) -> None:
    (root / "link.md").symlink_to("course/lecture.md")
    assert read_file(root, "link.md") == b"# Lecture"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../secret.txt", "за пределы"),
        ("course/../course/lecture.md", "за пределы"),
        ("course\\..\\..\\secret.txt", "за пределы"),
        ("/etc/passwd", "относительным"),
        ("C:\\secret.txt", "относительным"),
        ("\\\\server\\share\\secret.txt", "относительным"),
        ("", "не указан"),
        (" ", "не указан"),
        ("lecture\0.md", "недопустимый"),
        ("absent.md", "не найден"),
        ("course/lecture.md/part.md", "не найден"),
        ("course", "не обычный"),
        (".", "не обычный"),
        ("x" * 300, "слишком длинный"),
    ],
)
def test_path_that_is_no_file_of_the_course_is_refused(root: Path, path: str, reason: str) -> None:
    with pytest.raises(FileRefused, match=reason):
        read_file(root, path)


def test_absolute_path_is_refused_even_below_the_root(root: Path) -> None:
    with pytest.raises(FileRefused, match="относительным"):
        read_file(root, str(root / "course" / "lecture.md"))


@pytest.mark.parametrize("target", ["../secret.txt", "/etc/passwd", ".."])
def test_link_out_of_the_root_is_refused(root: Path, target: str) -> None:
    (root / "link").symlink_to(target)
    path = "link/secret.txt" if target == ".." else "link"
    with pytest.raises(FileRefused, match="за пределы"):
        read_file(root, path)


def test_sibling_whose_name_begins_like_the_root_is_outside(root: Path) -> None:
    sibling = root.parent / "files-of-others"
    sibling.mkdir()
    (sibling / "lecture.md").write_text("theirs")
    (root / "link.md").symlink_to(sibling / "lecture.md")
    with pytest.raises(FileRefused, match="за пределы"):
        read_file(root, "link.md")


def test_loop_of_links_is_refused(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(FileRefused, match="по кругу"):
        read_file(root, "a")


def test_pipe_is_refused_without_waiting_for_a_writer(root: Path) -> None:
    os.mkfifo(root / "pipe.md")
    with pytest.raises(FileRefused, match="не обычный"):
        read_file(root, "pipe.md")


def test_empty_file_is_refused(root: Path) -> None:
    (root / "empty.md").touch()
    with pytest.raises(FileRefused, match="пуст"):
        read_file(root, "empty.md")


def test_file_of_the_largest_size_is_read_and_a_larger_one_refused(root: Path) -> None:
    with (root / "large.md").open("wb") as file:
        file.truncate(MAX_FILE_BYTES)
    assert len(read_file(root, "large.md")) == MAX_FILE_BYTES
    with (root / "large.md").open("ab") as file:
        file.write(b"x")
    with pytest.raises(FileRefused, match="больше 20 МБ"):
        read_file(root, "large.md")


def test_file_without_read_permission_is_refused() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "lecture.md").write_text("# Lecture")
        (Path(folder) / "lecture.md").chmod(0)
        with unprivileged(), pytest.raises(FileRefused, match="нет прав"):
            read_file(Path(folder).resolve(), "lecture.md")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read every file, so the block runs as somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("files_root", ["", "/absent/files"])
def test_missing_root_is_no_fault_of_the_files(files_root: str) -> None:
    with pytest.raises(NotADirectoryError):
        open_root(files_root)

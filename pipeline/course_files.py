"""Reading a course's files without ever leaving the files root."""

import errno
import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

#: The largest file that is read, in bytes.
MAX_FILE_BYTES = 20 * 1024 * 1024


class FileRefused(Exception):
    """This file can't be read; the message says why, in the words shown to the instructor."""


_REASONS = {
    errno.ENOENT: "файл не найден",
    errno.ENOTDIR: "файл не найден",
    errno.EACCES: "нет прав на чтение файла",
    errno.EPERM: "нет прав на чтение файла",
    errno.ENAMETOOLONG: "слишком длинный путь к файлу",
    errno.ELOOP: "путь к файлу ведёт по кругу",
    errno.ENXIO: "это не обычный файл",
}


def open_root(files_root: str) -> Path:
    """The files root, resolved. Raises NotADirectoryError when it isn't there: then no file is to blame."""
    root = Path(files_root)
    if not files_root or not root.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "the files root is not a directory", files_root)
    return root.resolve()


def read_file(root: Path, path: str) -> bytes:
    """The whole content of the regular, non-empty file at `path` below the resolved `root`, links followed.

    Raises FileRefused when the path leads out of `root`, or the file is missing, empty, too large or unreadable.
    """
    try:
        return _read_regular(_resolve_inside(root, path))
    except OSError as error:
        raise FileRefused(_REASONS.get(error.errno or 0, "не удалось прочитать файл")) from error


def _resolve_inside(root: Path, path: str) -> Path:
    if not path.strip():
        raise FileRefused("путь к файлу не указан")
    if "\0" in path:
        raise FileRefused("недопустимый путь к файлу")
    windows = PureWindowsPath(path)
    if PurePosixPath(path).is_absolute() or windows.drive or windows.root:
        raise FileRefused("путь к файлу должен быть относительным")
    if ".." in windows.parts:  # splits at both kinds of slash
        raise FileRefused("путь к файлу выходит за пределы каталога файлов")
    try:
        resolved = (root / path).resolve(strict=True)
    except RuntimeError as error:  # how Python before 3.13 reports a loop of links
        raise FileRefused(_REASONS[errno.ELOOP]) from error
    if not resolved.is_relative_to(root):
        raise FileRefused("путь к файлу выходит за пределы каталога файлов")
    return resolved


def _read_regular(path: Path) -> bytes:
    if not path.is_file():  # before opening: to open a pipe or a device can have effects
        raise FileRefused("это не обычный файл")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileRefused("это не обычный файл")
        if status.st_size > MAX_FILE_BYTES:
            raise FileRefused(_too_large())
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:  # grew since
        raise FileRefused(_too_large())
    if not content:
        raise FileRefused("файл пуст")
    return content


def _too_large() -> str:
    return f"файл больше {MAX_FILE_BYTES // (1024 * 1024)} МБ"

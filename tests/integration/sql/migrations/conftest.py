import shutil
from pathlib import Path

import pytest

from app.database import migrations
from app.database.queries import SQL as SQL_FOLDER


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release whose `sql` folder a test may change."""
    folder = tmp_path / "sql"
    shutil.copytree(SQL_FOLDER, folder)
    monkeypatch.setattr(migrations, "SQL", folder)
    return folder

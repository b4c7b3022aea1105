import shutil
from pathlib import Path

import pytest

from app.database import migrations
from app.database.queries import SQL as SQL_FOLDER

#: A platform's objects that were there first: other columns, other types, and rows.
THEIRS = """
    create type course_status as enum ('draft', 'published');
    create table courses (
        id uuid primary key, user_id uuid not null, title varchar(200) not null, slug text not null,
        status course_status not null default 'draft', generation_status text, generation_progress jsonb,
        language varchar(2) default 'ru', theirs integer
    );
    create index courses_theirs on courses (theirs);
    insert into courses (id, user_id, title, slug, theirs, generation_progress)
        select gen_random_uuid(), gen_random_uuid(), 'Курс ' || n, 'course-' || n, n, jsonb_build_object('n', n)
        from generate_series(1, 100) n;
    create function update_course_progress(
        p_course_id uuid, p_step_id integer, p_status text, p_message text, p_percent integer default null
    ) returns boolean language sql as 'select true';
    create type metric_event_type as enum (
        'job_rollback', 'orphaned_job_recovery', 'concurrency_limit_hit', 'worker_timeout', 'rpc_retry_exhausted',
        'duplicate_job_detected', 'their_own'
    );
    create table system_metrics (
        id uuid primary key default gen_random_uuid(), event_type metric_event_type not null, severity text not null,
        user_id uuid, course_id uuid, job_id text, metadata jsonb, "timestamp" timestamptz not null default now()
    );
"""


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release whose `sql` folder a test may change."""
    folder = tmp_path / "sql"
    shutil.copytree(SQL_FOLDER, folder)
    monkeypatch.setattr(migrations, "SQL", folder)
    return folder

-- name: empty_tables
-- Removes what the stacks wrote; courses stay, because each is used once.
do $$
begin
    truncate coursegen.generations, procrastinate_jobs, system_metrics cascade;
    if to_regclass('dbos.workflow_status') is not null then
        truncate dbos.workflow_status cascade;
    end if;
end
$$;

-- name: vacuum_courses
-- Keeps the statistics fresh between rounds.
vacuum analyze courses;

-- name: copy_courses
-- Receives courses that are not generated yet.
copy courses (id, user_id, slug, title, course_description, language, generation_progress) from stdin;

-- name: count_workers
-- Workers that have registered.
select count(*) from procrastinate_workers;

-- name: find_active
-- A generation that is not final.
select from coursegen.generations where finished_at is null limit 1;

-- name: count_completed
-- Completed generations.
select count(*) from coursegen.generations where status = 'completed';

-- name: read_wal_kb
-- Kilobytes of WAL so far.
select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 / 1000;

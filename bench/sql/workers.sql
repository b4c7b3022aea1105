-- name: reset_progress
-- The courses %(ids)s are as they were before their admission.
update courses set generation_progress = jsonb_build_object('files', generation_progress -> 'files'), status = null
where id = any(%(ids)s);

-- name: find_generations
-- The newest generation of each of the courses %(ids)s.
select distinct on (course_id) course_id, id from coursegen.generations
where course_id = any(%(ids)s) order by course_id, created_at desc;

-- name: count_ended
-- Stages of the courses %(ids)s that have ended.
select count(*) from courses, jsonb_array_elements(generation_progress -> 'steps') step
where courses.id = any(%(ids)s) and (step ->> 'id')::int > 1 and step ->> 'status' = 'completed';

-- name: read_seconds
-- Seconds from the first start to the last end of the stages of the courses %(ids)s.
select extract(epoch from
    max((generation_progress #>> '{steps,4,completed_at}')::timestamptz)
    - min((generation_progress #>> '{steps,1,started_at}')::timestamptz)
)::float8
from courses where id = any(%(ids)s);

-- name: note_commits
-- PostgreSQL keeps the commit time of a row's latest version only, and a generation's row is updated at its start. So a
-- trigger adds a row that nothing updates.
create table bench_commits (generation_id uuid primary key);
create function bench_note_commit() returns trigger language plpgsql as $$
begin
    insert into public.bench_commits values (new.id);
    return null;
end
$$;
create trigger bench_note_commit after insert on coursegen.generations
for each row execute function bench_note_commit();

-- name: read_pickup
-- Milliseconds from the commit, and from the creation, of the course's generation to the start of its first stage.
select
    extract(epoch from attempt.started_at - pg_xact_commit_timestamp(noted.xmin))::float8 * 1000 as from_commit,
    extract(epoch from attempt.started_at - generation.created_at)::float8 * 1000 as from_creation
from coursegen.attempts attempt
join coursegen.generations generation on generation.id = attempt.generation_id
join bench_commits noted on noted.generation_id = generation.id
where generation.course_id = %s;

-- name: move_second_step
-- Run by pgbench: one step of course number :n.
select update_course_progress(md5((:n)::text)::uuid, 2, 'in_progress', 'Обрабатываем документы...');

-- name: count_completed_courses
-- Those of the courses %(ids)s whose last step is completed.
select count(*) from courses
where id = any(%(ids)s) and generation_progress #>> '{steps,4,status}' = 'completed';

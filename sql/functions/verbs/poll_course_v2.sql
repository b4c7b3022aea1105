-- The state of a polled course: the one with p_id or, if there is none, with p_slug; of several with that slug, p_user_id's
-- own. The tag identifies the state except `minutes`, the course's age: the row by its xmin, and what changes without the
-- row. The columns of the row, its progress among them, are read only with p_state.
-- generation_status is null before the first generation. queue_position counts the jobs that run before the job of a
-- queued generation, up to 100. A running generation is stuck p_stuck_s after its last progress, or after its pause. worker_alive: a worker serves
-- stages; it is dead after p_stalled_s without a heartbeat.
-- Outcomes: found; not_found.
create or replace function coursegen.poll_course_v2(
    p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s float, p_stalled_s float,
    out outcome text, out course_id uuid, out user_id uuid, out organization_id uuid, out tag text, out slug text, out status text,
    out generation_status text, out progress text, out created_at text, out updated_at text, out minutes int,
    out is_stuck boolean, out queue_position int, out worker_alive boolean
)
language plpgsql stable
set enable_bitmapscan = off  -- it would read every waiting job before it counts a hundred
as $$
-- A table without a column generation_status has the variable in its place, which is null.
#variable_conflict use_column
declare
    course record;
    generation record;
    own record;
begin
    -- Single columns: a whole row would be read with its progress.
    select c.id, c.xmin, c.user_id, c.organization_id, c.last_progress_update into course from public.courses c
    where c.id = coalesce(
        (select by_id.id from public.courses by_id where by_id.id = p_id),
        (
            select by_slug.id from public.courses by_slug
            where by_slug.slug = p_slug
            order by (by_slug.user_id is not distinct from p_user_id) desc, by_slug.id
            limit 1
        )
    );
    if not found then
        outcome := 'not_found';
        return;
    end if;
    course_id := course.id;
    user_id := course.user_id;
    organization_id := course.organization_id;
    is_stuck := false;
    select g.id, g.fence, g.status, g.created_at, g.paused_until into generation from coursegen.generations g
    where g.course_id = course.id and g.finished_at is null;
    if found then
        is_stuck := generation.status = 'running' and now() - make_interval(secs => p_stuck_s)
            > greatest(course.last_progress_update, generation.created_at, generation.paused_until);
        worker_alive := coursegen.live_workers_v1('stages', p_stalled_s) > 0;
        if generation.status = 'queued' then
            select j.priority, j.id into own from procrastinate_jobs j
            where j.status = 'todo' and j.queueing_lock = generation.id::text;
            if found then
                queue_position := (
                    select count(*) from (
                        select from procrastinate_jobs j
                        where j.status = 'todo' and j.queue_name = 'stages' and j.priority > own.priority
                            and (j.scheduled_at is null or j.scheduled_at <= now())
                        union all
                        select from procrastinate_jobs j
                        where j.status = 'todo' and j.queue_name = 'stages' and j.priority = own.priority and j.id < own.id
                            and (j.scheduled_at is null or j.scheduled_at <= now())
                        limit 100
                    ) first
                );
            end if;
        end if;
    end if;
    tag := left(encode(sha256(convert_to(concat_ws(
        ' ', course.id, course.xmin, course.last_progress_update, generation, is_stuck, queue_position, worker_alive
    ), 'UTF8')), 'hex'), 32);
    outcome := 'found';
    if not p_state then
        return;
    end if;
    select
        c.slug, c.status::text,
        coalesce(
            case when coursegen.is_generation_status(generation_status::text) then generation_status::text end,
            case
                when generation_status is null and coursegen.is_generation_status(c.status::text) then c.status::text
            end,
            coursegen.shown_status_v1(c.id)
        ),
        c.generation_progress::text,  -- a column that anybody may write holds JSON that Python can't read
        to_char(c.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        to_char(c.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        case when isfinite(c.created_at) then floor(extract(epoch from now() - c.created_at) / 60) end
    into slug, status, generation_status, progress, created_at, updated_at, minutes
    from public.courses c
    where c.id = course.id;
end
$$;

-- For how many seconds an active generation has made no progress: since its admission, its last start of a stage, the last
-- progress of its course or the end of its pause. Null if it is final.
create or replace function coursegen.idle_s_v1(generation coursegen.generations) returns float
language sql stable
as $$
    select greatest(0, extract(epoch from now() - greatest(
        generation.created_at,
        generation.paused_until,
        (select c.last_progress_update from public.courses c where c.id = generation.course_id),
        (select max(a.started_at) from coursegen.attempts a where a.generation_id = generation.id)
    )))::float
    where generation.finished_at is null
$$;

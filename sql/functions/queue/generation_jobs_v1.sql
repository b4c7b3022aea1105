-- The jobs that run the generation's stages, waiting or running.
create or replace function coursegen.generation_jobs_v1(p_generation_id uuid) returns setof bigint
language sql stable
as $$
    select id from procrastinate_jobs where status = 'todo' and queueing_lock = p_generation_id::text
    union all
    select id from procrastinate_jobs
    where status = 'doing' and queue_name = 'stages' and args ->> 'generation_id' = p_generation_id::text
$$;

-- `generation_jobs_v1`, for processes of the earlier release.
create or replace function coursegen.generation_jobs(p_generation_id uuid) returns setof bigint
language sql stable
as $$
    select coursegen.generation_jobs_v1(p_generation_id)
$$;

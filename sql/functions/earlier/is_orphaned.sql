-- `is_orphaned_v1`, for processes of the earlier release.
create or replace function coursegen.is_orphaned(job procrastinate_jobs, p_stalled_s float, p_stages jsonb)
returns boolean
language sql stable
as $$
    select coursegen.is_orphaned_v1(job, p_stalled_s, p_stages)
$$;

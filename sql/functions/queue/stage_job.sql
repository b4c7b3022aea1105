-- The job that runs the generation's current stage, for procrastinate_defer_jobs_v1. At most one of a generation waits
-- (queueing lock). A later stage goes before the first stages of its priority: what is begun gets finished. Jobs of one
-- p_lock run one at a time.
create or replace function coursegen.stage_job(g coursegen.generations, p_delay_s float default 0, p_lock text default null)
returns procrastinate_job_to_defer_v1
language plpgsql stable
as $$
begin
    return row(
        'stages',
        'tasks.stages.' || lower(g.stage::text),
        g.priority + (g.started_at is not null)::int,
        p_lock,
        g.id::text,
        jsonb_build_object(
            'generation_id', g.id, 'user_id', g.user_id, 'request_id', g.request_id, 'fence', g.fence
        ),
        case when p_delay_s > 0 then now() + make_interval(secs => p_delay_s) end
    )::procrastinate_job_to_defer_v1;
end
$$;

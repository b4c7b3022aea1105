-- A run of a stage begins, if the generation is active, still its course's owner's, at this stage and under this fence:
-- its step is in progress and its start is counted. No row: it may not. `exhausted`: the stage had its starts, and only
-- those that the job itself left open were closed. `recovered`: the first step was never completed, and is now. The
-- rest: as of stage_course and stage_given.
--
-- `more`: asked for alone, where the run needs more than this (its generation fails, an event, a webhook): nothing was
-- written. One statement for what else would be a transaction of ten; each of those within sees what was committed
-- while the ones before it waited for a lock. The course is locked first, then the generation, as everywhere.
create or replace function coursegen.begin_stage(
    p_generation_id uuid, p_stage text, p_fence int, p_job_id bigint, p_worker text, p_most_starts int,
    p_step int, p_message text, p_status text, p_first_step int, p_first_message text, p_needs text[], p_alone boolean
) returns table (
    more boolean, exhausted boolean, recovered boolean, has_webhook boolean,
    attempt_id bigint, course_id uuid, tier text, priority int, course jsonb,
    documents json, brief jsonb, outline json, drafts json
)
language plpgsql
as $$
#variable_conflict use_column
declare
    -- Functions are called by assignment: that is an expression, where `perform` is a query.
    progress jsonb;
    told boolean;
    given record;
    is_running boolean;
    left_open boolean;
begin
    select c.id, coursegen.stage_course(c), c.generation_progress,
        c.generation_progress #>> '{steps,0,status}' is distinct from 'completed'
    into course_id, course, progress, recovered
    from public.courses c
    where c.id = (select g.course_id from coursegen.generations g where g.id = p_generation_id)
    for no key update;

    select g.tier::text, g.priority, g.webhook_url is not null, g.status = 'running' and g.started_at is not null
    into tier, priority, has_webhook, is_running
    from coursegen.generations g
    where g.id = p_generation_id and g.stage::text = p_stage and g.fence = p_fence
        and g.status in ('queued', 'running')
        and exists (select from public.courses c where c.id = g.course_id and c.user_id = g.user_id)
    for no key update;
    if not found then
        return;
    end if;

    -- Starts that count against the stage's limit: those that went wrong, and those that ended in silence. A job that
    -- runs again under its own row was interrupted, not lost: its owner lived to queue it again.
    select
        count(*) filter (where a.outcome is not null or a.job_id <> p_job_id) >= p_most_starts,
        count(*) filter (where a.outcome is null and a.job_id = p_job_id) > 0
    into exhausted, left_open
    from coursegen.attempts a
    where a.generation_id = p_generation_id and a.stage = p_stage::coursegen.stage
        and (a.outcome is null or a.outcome in ('failed', 'timeout', 'died'));

    more := p_alone and (exhausted or recovered or has_webhook);
    if not more and left_open then
        update coursegen.attempts a
        set outcome = 'interrupted', finished_at = now()
        where a.job_id = p_job_id and a.outcome is null;
    end if;
    if more or exhausted then
        return next;
        return;
    end if;

    if recovered then
        progress := public.update_course_progress(
            course_id, p_first_step, 'completed', p_first_message, p_metadata => '{"recovered_by_worker": true}'
        );
    end if;
    progress := coursegen.moved_course_progress(progress, p_step, 'in_progress', p_message);
    told := coursegen.write_course(course_id, progress, p_status);
    if not is_running then
        update coursegen.generations g
        set status = 'running', started_at = coalesce(g.started_at, now())
        where g.id = p_generation_id;
    end if;
    insert into coursegen.attempts as a (generation_id, stage, fence, job_id, worker)
    values (p_generation_id, p_stage::coursegen.stage, p_fence, p_job_id, p_worker)
    returning a.id into attempt_id;

    given := coursegen.stage_given(p_generation_id, p_needs);
    documents := given.documents;
    brief := given.brief;
    outline := given.outline;
    drafts := given.drafts;
    return next;
end
$$;

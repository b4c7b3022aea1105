-- A stage is done, if its run still holds the generation: its results are stored, once, its attempt and its step are
-- completed, the next stage is queued, and its own job is over. Without a next stage generation and course are completed.
-- No row: the run holds it no more, and nothing was written.
--
-- `taken`: the job that is next in these queues, now this worker's, as if the next stage had been queued and the queue
-- asked for a job; null where there is none or no worker is named. Where nothing waits that would go before the next
-- stage, the run's own job goes on with it, which saves the queue a row that comes and one that goes, and everybody who
-- listens a notification. `job_ended`: the queue has the run's job no more.
--
-- `attempt_id`: where the run's own job goes on, the next stage has begun as by begin_stage, from which the rest is then
-- as well; null where that needs a transaction of its own, for a webhook or the event of a first step never completed.
--
-- One statement, as begin_stage.
create or replace function coursegen.complete_stage(
    p_generation_id uuid, p_stage text, p_fence int, p_attempt_id bigint, p_job_id bigint,
    p_step int, p_message text, p_next_stage text, p_task text, p_queue text, p_priority int, p_args jsonb,
    p_result json, p_lessons_completed int, p_lessons_total int, p_queues text[], p_worker_id bigint,
    p_worker text, p_next_step int, p_next_message text, p_next_status text, p_needs text[]
) returns table (
    job_ended boolean, taken public.procrastinate_jobs, attempt_id bigint,
    course jsonb, documents json, brief jsonb, outline json, drafts json
)
language plpgsql
as $$
#variable_conflict use_column
declare
    -- Functions are called by assignment: that is an expression, where `perform` is a query.
    locked_course uuid;
    its_owner uuid;
    progress jsonb;
    told boolean;
    given record;
    has_webhook boolean;
    goes_on boolean := false;
    begins boolean := false;
    jobs bigint[];
begin
    select c.id, c.user_id, c.generation_progress, case when p_next_stage is not null then coursegen.stage_course(c) end
    into locked_course, its_owner, progress, course
    from public.courses c
    where c.id = (select g.course_id from coursegen.generations g where g.id = p_generation_id)
    for no key update;

    update coursegen.generations g
    set stage = coalesce(p_next_stage::coursegen.stage, g.stage),
        status = case when p_next_stage is null then 'completed' else g.status end,
        finished_at = case when p_next_stage is null then now() end
    where g.id = p_generation_id and g.stage::text = p_stage and g.fence = p_fence and g.status = 'running'
        and g.course_id = locked_course and g.user_id = its_owner
    returning g.webhook_url is not null into has_webhook;
    if not found then
        return;
    end if;

    -- The guard of "once": a second set of results for the stage violates the key.
    insert into coursegen.stage_results (generation_id, stage, attempt_id)
    values (p_generation_id, p_stage::coursegen.stage, p_attempt_id);
    told := coursegen.store_stage_result(p_generation_id, p_stage, p_result);

    -- The run itself says how it ended: a start that was presumed dead was not.
    update coursegen.attempts a
    set outcome = 'completed', finished_at = now()
    where a.id = p_attempt_id and (a.outcome is null or a.outcome = 'died');

    if p_next_stage is not null and p_worker_id is not null then
        update public.procrastinate_jobs job
        set task_name = p_task, priority = p_priority, args = p_args, scheduled_at = null
        where job.id = p_job_id and job.status = 'doing' and job.worker_id = p_worker_id
            and job.queue_name = p_queue and job.lock is null and not job.abort_requested
            and not exists (
                select from public.procrastinate_jobs other
                where other.status = 'todo' and other.priority >= p_priority
                    and (p_queues is null or other.queue_name = any (p_queues))
                    and (other.scheduled_at is null or other.scheduled_at <= now())
            )
        returning job.* into taken;
        goes_on := found;
        begins := goes_on and not has_webhook and progress #>> '{steps,0,status}' = 'completed';
    end if;

    progress := coursegen.moved_course_progress(progress, p_step, 'completed', p_message);
    if p_lessons_total is not null then
        progress := progress
            || jsonb_build_object('lessons_completed', p_lessons_completed, 'lessons_total', p_lessons_total);
    end if;
    if begins then
        progress := coursegen.moved_course_progress(progress, p_next_step, 'in_progress', p_next_message);
        told := coursegen.write_course(locked_course, progress, p_next_status);
        insert into coursegen.attempts as a (generation_id, stage, fence, job_id, worker)
        values (p_generation_id, p_next_stage::coursegen.stage, p_fence, p_job_id, p_worker)
        returning a.id into attempt_id;
        given := coursegen.stage_given(p_generation_id, p_needs);
        documents := given.documents;
        brief := given.brief;
        outline := given.outline;
        drafts := given.drafts;
    else
        told := coursegen.write_course(locked_course, progress, case when p_next_stage is null then 'completed' end);
    end if;
    if goes_on then
        job_ended := false;
        return next;
        return;
    end if;

    if p_next_stage is not null then
        jobs := public.procrastinate_defer_jobs_v1(array[
            row(p_queue, p_task, p_priority, null, p_generation_id::text, p_args, null)
        ]::public.procrastinate_job_to_defer_v1[]);
    end if;
    delete from public.procrastinate_jobs job where job.id = p_job_id and job.status = 'doing';
    job_ended := found;
    if p_worker_id is not null then
        begin
            taken := public.procrastinate_fetch_job_v2(p_queues::varchar[], p_worker_id);
        exception when unique_violation then
            null;  -- of two jobs that exclude each other somebody took one this very moment
        end;
    end if;
    return next;
end
$$;

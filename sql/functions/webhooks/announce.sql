-- Adds the state of the course to the generation's outbox, unless it equals the last message, and queues a job that sends
-- it. After a receiver answered 410 the message is kept as a record and not sent. The caller holds the generation's
-- lock. Others may write anything into the course's progress: only valid numbers are read from it.
create or replace function coursegen.announce(p_generation_id uuid, p_status text, p_error text) returns void
language plpgsql
as $$
begin
    insert into coursegen.webhook_deliveries (
        generation_id, seq, status, step, percentage, message, error, state, finished_at
    )
    select
        generation.id,
        coalesce(last.seq, 0) + 1,
        p_status,
        coalesce(course.step, last.step, 1),
        coalesce(course.percentage, last.percentage, 0),
        course.message,
        p_error,
        case when last.state = 'gone' then 'gone' else 'pending' end::coursegen.webhook_delivery_state,
        case when last.state = 'gone' then now() end
    from coursegen.generations generation
    cross join lateral (
        select
            substring(c.generation_progress ->> 'current_step' from '^[1-5]$')::integer as step,
            substring(c.generation_progress ->> 'percentage' from '^[0-9]{1,3}$')::integer as percentage,
            left(coalesce(c.generation_progress ->> 'message', ''), 1000) as message
        from public.courses c
        where c.id = generation.course_id
    ) course
    left join lateral (
        select * from coursegen.webhook_deliveries d where d.generation_id = generation.id order by d.seq desc limit 1
    ) last on true
    where generation.id = p_generation_id
        and (last.status, last.step, last.percentage, last.message, last.error)
            is distinct from (p_status, course.step, course.percentage, course.message, p_error);
    perform coursegen.skip_refused(p_generation_id);
    perform coursegen.schedule_delivery(p_generation_id);
end
$$;

-- The one writer of a course's progress: applies the changes (changed_progress) and, unless null, sets the status
-- (set_course_status). Returns the progress; null for an unknown course. Without an effect the row stays untouched.
-- A reset restarts the course's times; every final status sets the completion time. p_error is the message for
-- the course's owner. The change {"alive": true} alone counts as progress though nothing is shown.
-- As its owner: a platform's triggers write tables that the service's role has no privilege on.
create or replace function coursegen.write_course(
    p_course_id uuid, p_changes jsonb, p_status text default null,
    p_error text default null, p_error_details jsonb default null
) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    before jsonb;
    after jsonb;
    starts constant boolean := p_changes @> '[{"reset": true}]';
    ends constant boolean := coalesce(p_status in ('completed', 'failed', 'cancelled'), false);
begin
    select c.generation_progress into before
    from public.courses c where c.id = p_course_id
    for no key update;
    if not found then
        return null;
    end if;
    after := coursegen.changed_progress(before, p_changes, now());
    if p_status is null and not p_changes @> '[{"alive": true}]' and after is not distinct from before then
        return after;
    end if;
    if not coursegen.set_course_status(p_course_id, p_status, after, starts, ends, p_error, p_error_details) then
        raise exception 'A trigger of the platform skipped the write of course %', p_course_id;
    end if;
    -- A deferred trigger of the platform would run in the commit, where no timeout ends it and nobody can catch its error.
    set constraints all immediate;
    return after;
end
$$;

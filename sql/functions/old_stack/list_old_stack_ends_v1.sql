-- What the old stack ended since then: each change of a course's status to an end (old_stack_end). Without a history of the
-- platform, the last end of each course. This service knows its own generations for 90 days.
-- As its owner: the service's role reads no other table of the platform.
create or replace function coursegen.list_old_stack_ends_v1(p_since timestamptz)
returns table (course_id uuid, status text, ended_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    place constant text := coursegen.old_stack_column();
    since constant timestamptz := greatest(p_since, now() - interval '90 days');
begin
    if coursegen.has_status_history() then
        return query
            select h.course_id, ended.status, h.changed_at::timestamptz
            from public.generation_status_history h
            cross join
                coursegen.old_stack_end(h.course_id, h.new_status::text, h.changed_at) as ended (status)
            where h.changed_at >= since and ended.status is not null;
    else
        return query
            select c.id, ended.status, written.at
            from public.courses c
            cross join lateral (
                select coalesce(c.last_progress_update, c.generation_completed_at)::timestamptz
            ) written (at)
            cross join
                coursegen.old_stack_end(c.id, coursegen.read_status_value(c.id, place), written.at) as ended (status)
            where place is not null and written.at >= since and ended.status is not null;
    end if;
end
$$;

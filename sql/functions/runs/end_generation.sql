-- Ends the generation: it is final and holds no slot, its course shows that, its webhook is announced. The caller has locked
-- it and checked that it is active. It fails or is cancelled even if the platform refuses the change of the course or is too
-- slow for it: returns that error, else null. What another attempt may not meet is tried twice. A lack of disk or memory is
-- raised.
create or replace function coursegen.end_generation(
    p_generation_id uuid, p_status text, p_changes jsonb, p_ended_by text default null,
    p_error text default null, p_error_details jsonb default null
) returns text
language plpgsql
as $$
declare
    generation coursegen.generations;
    refused text;
begin
    update coursegen.generations g
    set status = p_status::coursegen.generation_status, finished_at = now(), user_slot = null, system_slot = null,
        paused_until = null, paused_why = null, ended_by = p_ended_by,
        error_message = p_error, error_details = p_error_details
    where g.id = p_generation_id
    returning g.* into generation;
    if p_status = 'completed' then
        perform coursegen.write_course(generation.course_id, p_changes, p_status);
        perform coursegen.publish_v1(p_generation_id, 'fill');
    else
        for attempt in 1..2 loop
            begin
                perform coursegen.write_course(generation.course_id, p_changes, p_status, p_error, p_error_details);
                refused := null;
                exit;
            exception when others or query_canceled then
                if sqlstate like '53%' then
                    raise;
                end if;
                refused := sqlerrm;
                exit when sqlstate not in ('40001', '40P01', '55P03');
            end;
        end loop;
    end if;
    if generation.webhook_url is not null then
        perform coursegen.announce(p_generation_id, p_status, p_error);
    end if;
    return refused;
end
$$;

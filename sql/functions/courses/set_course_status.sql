-- The one writer of a course's row: its progress and, unless null, its status, as coursegen.status_map says and by the
-- changes that the platform allows. If the platform refuses the status, the row is written without it, and that is counted
-- as an event. False if a trigger skipped the write, or there is no such course.
create or replace function coursegen.set_course_status(
    p_course_id uuid, p_status text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb
) returns boolean
language plpgsql
as $$
declare
    place coursegen.status_map;
    was text;
    way text[];
begin
    if p_status is not null then
        select m.* into place from coursegen.status_map m where m.status = p_status;
        if not found then
            raise exception using errcode = 'CG002',
                message = pg_catalog.format('Invalid status: %s (no status of a generation)', p_status);
        end if;
    end if;
    if place.column_name is not null and place.is_guarded then
        begin
            was := coursegen.read_status_value(p_course_id, place.column_name);
            if was is distinct from place.value then
                select r.steps into way from coursegen.status_routes r where r.status = p_status and r.old_value = was;
                if way is not null then
                    perform coursegen.write_status_values(p_course_id, place.column_name, trim_array(way, 1));
                end if;
                if not coursegen.write_course_row(
                    p_course_id, place.column_name, place.value, p_progress, p_starts, p_ends, p_error, p_error_details
                ) then
                    raise exception 'A trigger of the platform skipped the write of course %', p_course_id;
                end if;
                return true;
            end if;
        exception when others then
            -- What another attempt may not meet is for the caller, who tries again.
            if sqlstate in ('40001', '40P01', '55P03') or sqlstate like '53%' then
                raise;
            end if;
            perform coursegen.record_refusal(p_course_id, p_status, was, sqlerrm);
        end;
        place.column_name := null;
    end if;
    return coursegen.write_course_row(
        p_course_id, place.column_name, place.value, p_progress, p_starts, p_ends, p_error, p_error_details
    );
end
$$;

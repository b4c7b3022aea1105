-- The one writer of a course's status: writes what coursegen.status_map says, by the changes that the platform allows. True
-- if the course has it then; false if it is not written, refused (counted as an event), or there is no such course.
-- As its owner: a platform's triggers write tables that the service's role has no privilege on.
create or replace function coursegen.set_course_status(p_course_id uuid, p_status text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    place coursegen.status_map;
    was text;
    way text[];
begin
    select m.* into place from coursegen.status_map m where m.status = p_status;
    if not found then
        raise exception using errcode = 'CG002',
            message = pg_catalog.format('Invalid status: %s (no status of a generation)', coalesce(p_status, 'null'));
    end if;
    if place.column_name is null then
        return false;
    end if;
    if not place.is_guarded then
        update public.courses set status = p_status where id = p_course_id;
        return found;
    end if;
    begin
        was := coursegen.read_status_value(p_course_id, place.column_name);
        if was = place.value then
            return true;
        end if;
        select r.steps into way from coursegen.status_routes r where r.status = p_status and r.old_value = was;
        if not coursegen.write_status_values(p_course_id, place.column_name, coalesce(way, array[place.value])) then
            raise exception 'A trigger of the platform skipped the write';
        end if;
        return true;
    exception when others then
        -- What another attempt may not meet is for the caller, who tries again.
        if sqlstate in ('40001', '40P01', '55P03') or sqlstate like '53%' then
            raise;
        end if;
        perform coursegen.record_refusal(p_course_id, p_status, was, sqlerrm);
        return false;
    end;
end
$$;

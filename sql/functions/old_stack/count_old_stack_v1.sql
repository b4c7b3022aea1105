-- How many courses the old stack is generating (is_with_old_stack).
create or replace function coursegen.count_old_stack_v1() returns bigint
language plpgsql stable
as $$
declare
    place constant text := coursegen.old_stack_column();
    active constant text[] := coursegen.old_stack_values();
begin
    -- A branch is parsed when it is first taken, so a table without the other column does no harm.
    if place = 'generation_status' then
        return (
            select count(*) from public.courses c
            where c.generation_status::text = any (active) and coursegen.is_with_old_stack(c.id)
                and not exists (select from coursegen.generations g where g.course_id = c.id and g.finished_at is null)
        );
    elsif place = 'status' then
        return (
            select count(*) from public.courses c
            where c.status::text = any (active) and coursegen.is_with_old_stack(c.id)
                and not exists (select from coursegen.generations g where g.course_id = c.id and g.finished_at is null)
        );
    end if;
    return 0;
end
$$;

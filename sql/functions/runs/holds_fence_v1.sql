-- Whether a run under this fence may write: the generation may run, nobody has taken it over, its course still belongs to the
-- user who started it, and the platform has not set the course to cancelled since its admission. The one fence check; the
-- caller has locked the generation.
create or replace function coursegen.holds_fence_v1(g coursegen.generations, p_fence int) returns boolean
language plpgsql stable
as $$
-- A table without a column generation_status has the variable in its place, which is null.
#variable_conflict use_column
declare
    generation_status constant text := null;
begin
    return coalesce(g.fence = p_fence and g.status in ('queued', 'running'), false) and exists (
        select from public.courses c
        where c.id = g.course_id and c.user_id = g.user_id
            and (coalesce(generation_status::text, c.status::text) = g.cancel_value) is not true
    );
end
$$;

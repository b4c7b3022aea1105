-- Whether a run under this fence may write: the generation may run, nobody has taken it over, and its course still belongs
-- to the user who started it. The one fence check; the caller has locked the generation.
create or replace function coursegen.holds_fence(g coursegen.generations, p_fence int) returns boolean
language plpgsql stable
as $$
begin
    return coalesce(g.fence = p_fence and g.status in ('queued', 'running'), false)
        and exists (select from public.courses c where c.id = g.course_id and c.user_id = g.user_id);
end
$$;

-- What `shown_status_v1` shows, for processes of the earlier release.
create or replace function coursegen.course_generation_status(c public.courses) returns text
language sql stable parallel safe
as $$
    select coursegen.shown_status_v1(c.id)
$$;

-- Whether every step has its name and the other keys of a step. They are those of course_progress_steps.
create or replace function coursegen.whole_course_progress_steps(p_steps jsonb) returns boolean
language sql immutable parallel safe
as $$
    select not jsonb_path_exists(
        p_steps,
        'strict $[*] ? (
            !(@.name.type() == "string" && exists (@.started_at) && exists (@.completed_at)
            && exists (@.error) && exists (@.error_details))
        )',
        silent => true
    )
$$;

-- The progress after these changes, a pure function of both. Each change is an object:
--   {"reset": true}   first of all: five pending steps, counts and metadata cleared, `files` kept
--   {"step", "status", "message", "error", "error_details", "metadata"}   one step goes to another status
--   {"lessons_completed", "lessons_total"}   counts
--   {"message"}   for the course, whatever its steps are; also beside counts
--   {"alive": true}   nothing: the stage works, see write_course
-- A step that may not go there changes nothing: a repeated or late call undoes nothing. A progress that is null or
-- malformed is built first.
create or replace function coursegen.changed_progress(p_progress jsonb, p_changes jsonb, p_now timestamptz) returns jsonb
language plpgsql immutable parallel safe
-- Also of the functions that it calls.
set search_path = pg_catalog, pg_temp
as $$
declare
    now_text constant text := to_char(p_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
    resets constant boolean := p_changes -> 0 ? 'reset';
    progress jsonb := case
        when resets and jsonb_typeof(p_progress) = 'object' then p_progress
        when resets then '{}'
        when coursegen.is_malformed_progress(p_progress) then coursegen.whole_progress(p_progress)
        else p_progress
    end;
    steps jsonb := case
        when resets then coursegen.blank_course_steps(coursegen.has_documents(progress)) else progress -> 'steps'
    end;
    changed jsonb := case when resets then jsonb_build_object(
        'has_documents', coursegen.has_documents(progress), 'message', 'Генерация поставлена в очередь',
        'lessons_completed', 0, 'lessons_total', 0, 'metadata', '{}'::jsonb
    ) end;
    change jsonb;
    number int;
    status text;
    step jsonb;
begin
    for change in select c.value from jsonb_array_elements(p_changes) c loop
        if change ? 'step' then
            number := (change ->> 'step')::int;
            status := change ->> 'status';
            step := steps -> (number - 1);
            continue when ((step ->> 'status', status) in (
                ('pending', 'in_progress'), ('pending', 'completed'), ('pending', 'failed'),
                ('in_progress', 'completed'), ('in_progress', 'failed'), ('in_progress', 'pending'),
                ('failed', 'in_progress'), ('failed', 'pending')
            )) is not true;
            steps := jsonb_set(steps, array[(number - 1)::text], step || jsonb_build_object(
                'status', status,
                'started_at', case
                    when status = 'pending' then null
                    when step ->> 'status' = 'pending' then now_text
                    else coalesce(step ->> 'started_at', now_text)
                end,
                'completed_at', case when status in ('completed', 'failed') then now_text end,
                'error', case when status = 'failed' then change ->> 'error' end,
                'error_details', case when status = 'failed' then change -> 'error_details' end
            ));
            changed := coalesce(changed, '{}');
            -- The message is that of the furthest step.
            if change ->> 'message' is not null and coursegen.furthest_step(steps) <= number then
                changed := changed || jsonb_build_object('message', change -> 'message');
            end if;
            if jsonb_typeof(change -> 'metadata') = 'object' then
                changed := changed || jsonb_build_object('metadata', case
                    when jsonb_typeof((progress || changed) -> 'metadata') = 'object'
                        then (progress || changed) -> 'metadata'
                    else '{}'
                end || (change -> 'metadata'));
            end if;
        elsif change ?| array['lessons_total', 'message'] then
            changed := coalesce(changed, '{}') || change;
        end if;
    end loop;
    if changed is null then
        return progress;
    end if;
    return coursegen.whole_progress(progress || changed || jsonb_build_object('steps', steps));
end
$$;

-- The progress after these changes, a pure function of both. Each change is an object:
--   {"reset": true}                                  five pending steps, counts and metadata cleared, `files` kept
--   {"step", "status", "message", "error", "error_details", "metadata"}   one step goes to another status
--   {"lessons_completed", "lessons_total"}           counts
--   {"alive": true}                                  nothing: the stage works, see write_course
-- A step that may not go there changes nothing: a repeated or late call undoes nothing. A progress that is null or
-- malformed is built first.
create or replace function coursegen.changed_progress(p_progress jsonb, p_changes jsonb, p_now timestamptz) returns jsonb
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    now_text constant text := to_char(p_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
    malformed constant boolean := coursegen.is_malformed_progress(p_progress);
    progress jsonb := case when malformed then coursegen.whole_progress(p_progress) else p_progress end;
    moved boolean := false;
    change jsonb;
    number int;
    step jsonb;
    status text;
begin
    for change in select c.value from jsonb_array_elements(p_changes) c where not c.value ? 'alive' loop
        if change ? 'reset' then
            progress := progress || jsonb_build_object(
                'steps', coursegen.blank_course_steps(coursegen.has_documents(progress)),
                'has_documents', coursegen.has_documents(progress),
                'message', 'Генерация поставлена в очередь',
                'lessons_completed', 0, 'lessons_total', 0, 'metadata', '{}'::jsonb
            );
            moved := true;
        elsif change ? 'lessons_total' then
            progress := progress || change;
            moved := true;
        else
            number := (change ->> 'step')::int;
            status := change ->> 'status';
            step := progress -> 'steps' -> (number - 1);
            continue when not coursegen.step_may_move(step ->> 'status', status);
            moved := true;
            step := step || jsonb_build_object(
                'status', status,
                'started_at', case
                    when status = 'pending' then null
                    when step ->> 'status' = 'pending' then now_text
                    else coalesce(step ->> 'started_at', now_text)
                end,
                'completed_at', case when status in ('completed', 'failed') then now_text end,
                'error', case when status = 'failed' then change ->> 'error' end,
                'error_details', case when status = 'failed' then change -> 'error_details' end
            );
            progress := jsonb_set(progress, array['steps', (number - 1)::text], step);
            -- The message is that of the furthest step.
            if change ->> 'message' is not null and not jsonb_path_exists(
                progress, 'strict $.steps[*] ? (@.id > $id && @.status != "pending")', jsonb_build_object('id', number)
            ) then
                progress := progress || jsonb_build_object('message', change -> 'message');
            end if;
            if jsonb_typeof(change -> 'metadata') = 'object' then
                progress := progress || jsonb_build_object('metadata', case
                    when jsonb_typeof(progress -> 'metadata') = 'object' then progress -> 'metadata' else '{}'
                end || (change -> 'metadata'));
            end if;
        end if;
    end loop;
    return case when moved then coursegen.whole_progress(progress) else progress end;
end
$$;

-- The progress after a step went to another status; built first when it is null or malformed, and only built
-- when the step may not go there. A pure function of the row's own column, so that an update which waited
-- for another's commit computes it again from what that one wrote.
create or replace function coursegen.advanced_course_progress(
    p_progress jsonb, p_step_id int, p_status text, p_message text,
    p_error_message text, p_error_details jsonb, p_metadata jsonb, p_now timestamptz
) returns jsonb
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    malformed constant boolean := coursegen.malformed_course_progress(p_progress);
    -- Steps that must be built are named after the files of now.
    progress jsonb := case
        when not malformed then p_progress
        when jsonb_typeof(p_progress) = 'object' then p_progress - 'has_documents'
        else '{}'
    end;
    steps jsonb := case
        when malformed then coursegen.course_progress_steps(coursegen.has_documents(progress)) else progress -> 'steps'
    end;
    step constant jsonb := steps -> (p_step_id - 1);
    status constant text := step ->> 'status';
    now_text constant text := to_char(p_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
begin
    if not coursegen.course_step_moves(status, p_status) then
        return coursegen.course_progress(progress, steps);
    end if;
    steps := jsonb_set(steps, array[(p_step_id - 1)::text], step || jsonb_build_object(
        'status', p_status,
        'started_at', case
            when p_status = 'pending' then null
            when status = 'pending' then now_text
            else coalesce(step ->> 'started_at', now_text)
        end,
        'completed_at', case when p_status = 'completed' then now_text end,
        'error', case when p_status = 'failed' then p_error_message end,
        'error_details', case when p_status = 'failed' then p_error_details end
    ));
    -- Nearly always all is whole and the step is the furthest now: then there is nothing to mend, and what follows from
    -- the steps follows from this one.
    if not malformed and p_status <> 'pending' and p_message is not null and p_metadata = '{}'
        and jsonb_path_exists(
            p_progress,
            'strict $ ? (
                @.has_documents.type() == "boolean" && @.files.type() == "array" && @.metadata.type() == "object"
                && @.lessons_completed >= 0 && @.lessons_completed.floor() == @.lessons_completed
                && @.lessons_total >= 0 && @.lessons_total.floor() == @.lessons_total
                && !exists (@.steps[*] ? (@.id > $id && @.status != "pending"))
            )',
            jsonb_build_object('id', p_step_id), silent => true
        )
        and coursegen.whole_course_progress_steps(steps)
    then
        return progress || jsonb_build_object(
            'steps', steps,
            'percentage', 20 * (p_step_id - 1) + case p_status
                when 'completed' then 20 when 'in_progress' then 10 else 0
            end,
            'current_step', p_step_id,
            'message', p_message,
            'total_steps', 5
        );
    end if;
    -- Unless a step behind this one left 'pending' before, the message is this one's.
    if p_message is not null and not jsonb_path_exists(
        steps, 'strict $[*] ? (@.id > $id && @.status != "pending")', jsonb_build_object('id', p_step_id)
    ) then
        progress := progress || jsonb_build_object('message', p_message);
    end if;
    if jsonb_typeof(p_metadata) = 'object' then
        progress := progress || jsonb_build_object('metadata', case
            when jsonb_typeof(progress -> 'metadata') = 'object' then progress -> 'metadata' else '{}'
        end || p_metadata);
    end if;
    return coursegen.course_progress(progress, steps);
end
$$;

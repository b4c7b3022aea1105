-- The same with other statuses, other tiers and other steps.
alter type role add value 'superadmin' after 'admin';
alter type metric_event_type add value 'llm_phase_execution';
alter type metric_event_type add value 'json_repair_execution';
alter table system_metrics add column message text;

alter table organizations alter tier drop default, alter tier type text;
drop type tier;
create type tier as enum ('trial', 'free', 'basic', 'standard', 'premium');
update organizations set tier = 'basic' where tier = 'basic_plus';
alter table organizations alter tier type tier using tier::tier, alter tier set default 'free',
    add column slug text,
    add column settings jsonb default '{}',
    add column member_count integer not null default 0;
update organizations set slug = lower(replace(name, ' ', '-'));
alter table organizations alter slug set not null, alter slug set default gen_random_uuid()::text, add unique (slug);
alter table users add column is_active boolean not null default true;
alter table file_catalog
    add column original_name text,
    add column reference_count integer not null default 1,
    add column original_file_id uuid references file_catalog (id),
    add column markdown_content text,
    add column summary_metadata jsonb,
    add column priority text;

create type newest_status as enum (
    'pending',
    'stage_2_init', 'stage_2_processing', 'stage_2_complete', 'stage_2_awaiting_approval',
    'stage_3_init', 'stage_3_summarizing', 'stage_3_complete', 'stage_3_awaiting_approval',
    'stage_4_init', 'stage_4_analyzing', 'stage_4_complete', 'stage_4_awaiting_approval',
    'stage_5_init', 'stage_5_generating', 'stage_5_complete', 'stage_5_awaiting_approval',
    'finalizing', 'completed', 'failed', 'cancelled'
);
drop trigger trg_validate_generation_status on courses;
drop trigger trg_log_generation_status on courses;
drop index idx_courses_generation_status, idx_courses_active_generation;
truncate generation_status_history;
alter table generation_status_history
    alter old_status type newest_status using null, alter new_status type newest_status using null;
alter table courses alter generation_status type newest_status using (
    case generation_status::text
        when 'initializing' then 'stage_2_init'
        when 'processing_documents' then 'stage_2_processing'
        when 'analyzing_task' then 'stage_4_analyzing'
        when 'generating_structure' then 'stage_4_analyzing'
        when 'generating_content' then 'stage_3_summarizing'
        else generation_status::text
    end::newest_status);
drop type generation_status;
alter type newest_status rename to generation_status;
create index idx_courses_generation_status on courses (generation_status) where generation_status is not null;
create index idx_courses_active_generation on courses (generation_status, last_progress_update)
    where generation_status not in ('completed', 'failed', 'cancelled');

create or replace function validate_generation_status_transition() returns trigger language plpgsql as $$
declare
    last text := old.generation_status;
    stage text := substring(last from 'stage_(.)');
    ends constant text[] := '{failed,cancelled}';
    next_ones text[] := case
        when last = 'pending' then '{stage_2_init,stage_4_init,cancelled}'
        when last = 'finalizing' then array['completed'] || ends
        when last in ('completed', 'failed', 'cancelled') then '{pending,stage_2_init,stage_3_init,stage_4_init,stage_5_init}'
        when last = 'stage_2_complete' then '{stage_2_awaiting_approval,stage_3_init,stage_3_summarizing,stage_4_init}' || ends
        when last = 'stage_2_awaiting_approval' then '{stage_3_init,stage_3_summarizing,stage_4_init,cancelled}'
        when last = 'stage_3_complete' then '{stage_3_awaiting_approval,stage_4_init}' || ends
        when last = 'stage_3_awaiting_approval' then '{stage_4_init,cancelled}'
        when last = 'stage_4_complete' then '{stage_4_awaiting_approval,stage_5_init}' || ends
        when last = 'stage_4_awaiting_approval' then '{stage_5_init,cancelled}'
        when last = 'stage_5_complete' then '{stage_5_awaiting_approval,finalizing}' || ends
        when last = 'stage_5_awaiting_approval' then '{stage_5_complete,finalizing,cancelled}'
        else array[format('stage_%s_complete', stage), format('stage_%s_awaiting_approval', stage)] || ends
            || case last
                when 'stage_2_init' then '{stage_2_processing,stage_4_init}'
                when 'stage_3_init' then '{stage_3_summarizing,stage_2_complete}'
                when 'stage_3_summarizing' then '{stage_2_complete}'
                when 'stage_4_init' then '{stage_4_analyzing}'
                when 'stage_5_init' then '{stage_5_generating}'
                else '{}'
            end::text[]
    end;
begin
    if coalesce(current_setting('app.bypass_fsm_validation', true), '') <> 'true' and last is not null
        and not new.generation_status::text = any (next_ones)
    then
        raise exception 'course %: no way from % to %', new.id, last, new.generation_status
            using hint = 'Possible: ' || array_to_string(next_ones, ', ');
    end if;
    return new;
end
$$;
create trigger trg_validate_generation_status before update of generation_status on courses
    for each row when (old.generation_status is distinct from new.generation_status)
    execute function validate_generation_status_transition();
create trigger trg_log_generation_status after update of generation_status on courses
    for each row execute function log_generation_status_change();

create or replace function update_course_progress(
    p_course_id uuid, p_step_id integer, p_status text, p_message text,
    p_error_message text default null, p_error_details jsonb default null, p_metadata jsonb default '{}'
) returns jsonb language plpgsql security definer as $$
declare
    progress jsonb := (select c.generation_progress from courses c where c.id = p_course_id);
    place text := p_step_id - 1;
    moment text := case p_status when 'in_progress' then 'started_at' else 'completed_at' end;
    at_work constant text[] := '{-,processing,summarizing,analyzing,generating}';
    next_status generation_status := case
        when p_status in ('failed', 'cancelled') then p_status
        when p_step_id = 6 then case p_status when 'in_progress' then 'finalizing' when 'completed' then 'completed' end
        when p_status = 'pending' then format('stage_%s_init', p_step_id)
        when p_status = 'in_progress' then format('stage_%s_%s', p_step_id, at_work[p_step_id])
        when p_status = 'completed' then format('stage_%s_awaiting_approval', p_step_id)
    end;
begin
    if p_step_id not between 2 and 6 or next_status is null then
        raise exception 'step % can''t be %', p_step_id, p_status;
    end if;
    progress := jsonb_set(progress, array['steps', place, 'status'], to_jsonb(p_status));
    progress := jsonb_set(progress, array['steps', place, moment], to_jsonb(now()));
    if p_error_message is not null then
        progress := jsonb_set(progress, array['steps', place, 'error'], to_jsonb(p_error_message));
        progress := jsonb_set(progress, array['steps', place, 'error_details'], coalesce(p_error_details, '{}'));
    end if;
    progress := progress || jsonb_build_object('current_step', p_step_id, 'message', p_message, 'percentage',
        20 * (p_step_id - 1) + case p_status when 'completed' then 20 when 'in_progress' then 10 else 0 end);
    perform set_config('app.trigger_source', 'rpc', true);
    update courses
    set generation_progress = progress,
        generation_status = next_status,
        error_message = case p_status when 'failed' then p_error_message else error_message end,
        error_details = case p_status when 'failed' then p_error_details else error_details end,
        generation_completed_at = case next_status when 'completed' then now() else generation_completed_at end,
        last_progress_update = now()
    where id = p_course_id
    returning generation_progress into progress;
    return progress;
end
$$;
grant execute on function update_course_progress(uuid, integer, text, text, text, jsonb, jsonb) to authenticated;

alter publication supabase_realtime add table courses;

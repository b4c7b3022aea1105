-- The same with events, a status of the generation and rules for its changes.
create type metric_event_type as enum (
    'job_rollback', 'orphaned_job_recovery', 'concurrency_limit_hit', 'worker_timeout', 'rpc_retry_exhausted',
    'duplicate_job_detected'
);
create type metric_severity as enum ('info', 'warn', 'error', 'fatal');

create table system_metrics (
    id uuid primary key default gen_random_uuid(),
    event_type metric_event_type not null,
    severity metric_severity not null,
    user_id uuid references auth.users (id) on delete set null,
    course_id uuid references courses (id) on delete cascade,
    job_id text,
    metadata jsonb default '{}',
    "timestamp" timestamptz not null default now()
);
create index idx_system_metrics_event_type on system_metrics (event_type);
create index idx_system_metrics_severity on system_metrics (severity);
create index idx_system_metrics_timestamp on system_metrics ("timestamp" desc);
create index idx_system_metrics_course on system_metrics (course_id) where course_id is not null;
alter table system_metrics enable row level security;
create policy system_metrics_admin_read on system_metrics for select
    using (exists (select from users u where u.id = auth.uid() and u.role = 'admin'));
create policy system_metrics_service_insert on system_metrics for insert with check (true);

create type generation_status as enum (
    'pending', 'initializing', 'processing_documents', 'analyzing_task', 'generating_structure', 'generating_content',
    'finalizing', 'completed', 'failed', 'cancelled'
);

alter table courses
    add column generation_progress jsonb,
    add column generation_started_at timestamptz,
    add column generation_completed_at timestamptz,
    add column last_progress_update timestamptz,
    add column webhook_url text,
    add column error_message text,
    add column error_details jsonb,
    add column generation_status generation_status,
    add column client_ip text, add column user_agent text, add column email text,
    add column completed_at timestamptz, add column is_published boolean default false, add column share_token text,
    add column language text default 'en', add column style text, add column difficulty text,
    add column course_description text, add column target_audience text, add column prerequisites text,
    add column learning_outcomes text, add column output_formats text[],
    add column content_strategy text, add column course_structure jsonb, add column has_files boolean default false,
    add column estimated_lessons integer, add column estimated_sections integer,
    add column estimated_completion_minutes integer,
    add column total_lessons_count integer, add column total_sections_count integer;
create index idx_courses_generation_status on courses (generation_status) where generation_status is not null;
create index idx_courses_active_generation on courses (generation_status, last_progress_update)
    where generation_status not in ('completed', 'failed', 'cancelled');

create table generation_status_history (
    id uuid primary key default gen_random_uuid(),
    course_id uuid not null references courses (id) on delete cascade,
    old_status generation_status,
    new_status generation_status not null,
    changed_at timestamptz not null default now(),
    changed_by uuid references auth.users (id) on delete set null,
    trigger_source text,
    metadata jsonb default '{}'
);
alter table generation_status_history enable row level security;
create policy generation_history_owner_read on generation_status_history for select
    using (exists (select from courses c where c.id = course_id and c.user_id = auth.uid()));
create policy generation_history_service_insert on generation_status_history for insert with check (true);

create function validate_generation_status_transition() returns trigger language plpgsql as $$
declare
    next_ones text[] := case old.generation_status::text
        when 'pending' then '{initializing,cancelled}'
        when 'initializing' then '{processing_documents,analyzing_task,failed,cancelled}'
        when 'processing_documents' then '{generating_structure,failed,cancelled}'
        when 'analyzing_task' then '{generating_structure,failed,cancelled}'
        when 'generating_structure' then '{generating_content,failed,cancelled}'
        when 'generating_content' then '{finalizing,failed,cancelled}'
        when 'finalizing' then '{completed,failed,cancelled}'
        else '{pending}'
    end;
begin
    if old.generation_status is not null and not new.generation_status::text = any (next_ones) then
        raise exception 'course %: no way from % to %', new.id, old.generation_status, new.generation_status
            using hint = 'Possible: ' || array_to_string(next_ones, ', ');
    end if;
    return new;
end
$$;
create trigger trg_validate_generation_status before update of generation_status on courses
    for each row when (old.generation_status is distinct from new.generation_status)
    execute function validate_generation_status_transition();

create function log_generation_status_change() returns trigger language plpgsql as $$
begin
    insert into generation_status_history (course_id, old_status, new_status, changed_by, trigger_source, metadata)
    select new.id, old.generation_status, new.generation_status, nullif(who, '')::uuid, coalesce(what, 'system'),
        jsonb_build_object('previous_progress', old.generation_progress, 'new_progress', new.generation_progress,
            'error_message', new.error_message)
    from current_setting('app.current_user_id', true) as who, current_setting('app.trigger_source', true) as what
    where old.generation_status is distinct from new.generation_status;
    return null;
end
$$;
create trigger trg_log_generation_status after update of generation_status on courses
    for each row execute function log_generation_status_change();

drop function update_course_progress(uuid, integer, text, text, text, integer, jsonb);
create function update_course_progress(
    p_course_id uuid, p_step_id integer, p_status text, p_message text,
    p_error_message text default null, p_error_details jsonb default null, p_metadata jsonb default '{}'
) returns jsonb language plpgsql security definer as $$
declare
    progress jsonb := (select c.generation_progress from courses c where c.id = p_course_id);
    place text := p_step_id - 1;
    moment text := case p_status when 'in_progress' then 'started_at' else 'completed_at' end;
    second text := case when (progress ->> 'has_documents')::boolean then 'processing_documents' else 'analyzing_task' end;
    running text[] := array['initializing', second, 'generating_structure', 'generating_content', 'finalizing', 'completed'];
    next_status generation_status := case p_status
        when 'failed' then 'failed'
        when 'in_progress' then running[p_step_id]
        when 'completed' then running[p_step_id + 1]
        when 'pending' then case p_step_id when 1 then 'pending' end
    end;
begin
    if not (p_step_id between 1 and 5 and p_status in ('pending', 'in_progress', 'completed', 'failed')) then
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
        generation_status = coalesce(next_status, generation_status),
        error_message = case p_status when 'failed' then p_error_message else error_message end,
        error_details = case p_status when 'failed' then p_error_details else error_details end,
        generation_completed_at = case next_status when 'completed' then now() else generation_completed_at end,
        last_progress_update = now()
    where id = p_course_id
    returning generation_progress into progress;
    return progress;
end
$$;
revoke execute on function update_course_progress(uuid, integer, text, text, text, jsonb, jsonb) from authenticated;

create function update_course_progress(
    p_course_id uuid, p_step_id integer, p_status text, p_message text, p_percent_complete integer, p_metadata jsonb default '{}'
) returns jsonb language sql security definer set search_path = public, pg_catalog as $$
    select update_course_progress(p_course_id, p_step_id, p_status, p_message, null::text, null::jsonb, p_metadata)
$$;
revoke execute on function update_course_progress(uuid, integer, text, text, integer, jsonb) from authenticated;

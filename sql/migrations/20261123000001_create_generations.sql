-- migrate:up

-- Closed sets. Each is compared with its Python enum by a test.
create type generation_tier as enum ('FREE', 'BASIC', 'STANDARD', 'TRIAL', 'PREMIUM');
create type generation_stage as enum (
    'DOCUMENT_PROCESSING', 'STRUCTURE_ANALYSIS', 'STRUCTURE_GENERATION', 'TEXT_GENERATION', 'FINALIZATION'
);
create type generation_state as enum ('queued', 'running', 'completed', 'failed', 'cancelled');
-- Why a start of a stage ended. Only 'failed', 'timeout' and 'died' count against its three starts;
-- a start without an outcome is running, or its worker died in silence.
create type attempt_outcome as enum ('completed', 'failed', 'timeout', 'died', 'shutdown', 'interrupted', 'superseded');
create type metric_event_type as enum (
    'job_rollback', 'orphaned_job_recovery', 'concurrency_limit_hit', 'worker_timeout',
    'rpc_retry_exhausted', 'duplicate_job_detected'
);
create type metric_severity as enum ('info', 'warn', 'error', 'fatal');

-- The platform's table. Where it exists it stays as it is and only gains the columns it lacks.
create table if not exists courses (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    title text not null,
    slug text not null unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
) with (fillfactor = 80);

alter table courses
    add column if not exists organization_id uuid,
    add column if not exists language text,
    add column if not exists style text,
    add column if not exists course_description text,
    add column if not exists target_audience text,
    add column if not exists difficulty text,
    add column if not exists lesson_duration_minutes integer,
    add column if not exists learning_outcomes jsonb,
    add column if not exists estimated_lessons integer,
    add column if not exists estimated_sections integer,
    add column if not exists content_strategy text,
    add column if not exists output_formats jsonb,
    add column if not exists generation_progress jsonb,
    add column if not exists status text,
    add column if not exists generation_started_at timestamptz,
    add column if not exists generation_completed_at timestamptz,
    add column if not exists last_progress_update timestamptz,
    add column if not exists webhook_url text,
    add column if not exists error_message text,
    add column if not exists error_details jsonb,
    add column if not exists created_at timestamptz not null default now(),
    add column if not exists updated_at timestamptz not null default now();

-- One accepted request to generate one course. Its id is the public jobId.
create table generations (
    id uuid primary key,
    course_id uuid not null references courses (id) on delete cascade,
    user_id uuid not null,
    tier generation_tier not null,
    priority integer not null,
    user_slot integer not null check (user_slot >= 1),
    system_slot integer not null check (system_slot >= 1),
    stage generation_stage not null,
    fence integer not null default 1 check (fence >= 1),
    status generation_state not null default 'queued',
    source text not null,
    webhook_url text,
    request_id text,
    idempotency_key text,
    retry_of uuid references generations (id) on delete set null,
    error_message text,
    error_details jsonb,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    constraint generations_finished_iff_final
        check ((finished_at is not null) = (status in ('completed', 'failed', 'cancelled')))
) with (fillfactor = 80);

-- The limits are these constraints; Redis only proposes numbers that fit.
create unique index generations_one_active_per_course
    on generations (course_id) where status in ('queued', 'running');
create unique index generations_user_slot
    on generations (user_id, user_slot) where status in ('queued', 'running');
create unique index generations_system_slot
    on generations (system_slot) where status in ('queued', 'running');
create index generations_course on generations (course_id, created_at desc);
create index generations_retry_of on generations (retry_of) where retry_of is not null;

-- One row per start of a stage by a worker.
create table stage_attempts (
    id bigint generated always as identity primary key,
    generation_id uuid not null references generations (id) on delete cascade,
    stage generation_stage not null,
    fence integer not null,
    job_id bigint not null,
    worker text not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    outcome attempt_outcome,
    error text,
    constraint stage_attempts_finished_iff_outcome check ((finished_at is not null) = (outcome is not null))
);
create index stage_attempts_generation on stage_attempts (generation_id, stage);
create index stage_attempts_open on stage_attempts (job_id) where outcome is null;

-- The guard of "once": a stage's results and this row are written together, or not at all.
create table stage_results (
    generation_id uuid not null references generations (id) on delete cascade,
    stage generation_stage not null,
    attempt_id bigint not null,
    finished_at timestamptz not null default now(),
    primary key (generation_id, stage)
);

create table generation_documents (
    generation_id uuid not null references generations (id) on delete cascade,
    position integer not null,
    file_id text not null,
    name text not null,
    mime_type text not null,
    body text not null,
    headings jsonb not null,
    error text,
    primary key (generation_id, position)
);
create table generation_briefs (
    generation_id uuid primary key references generations (id) on delete cascade,
    brief jsonb not null
);
create table generation_sections (
    generation_id uuid not null references generations (id) on delete cascade,
    number integer not null,
    title text not null,
    primary key (generation_id, number)
);
create table generation_lessons (
    generation_id uuid not null references generations (id) on delete cascade,
    number integer not null,
    section_number integer not null,
    title text not null,
    goals jsonb not null,
    sources jsonb not null,
    primary key (generation_id, number),
    foreign key (generation_id, section_number)
        references generation_sections (generation_id, number) on delete cascade
);
create table generation_drafts (
    generation_id uuid not null references generations (id) on delete cascade,
    lesson_number integer not null,
    body text not null,
    primary key (generation_id, lesson_number),
    foreign key (generation_id, lesson_number)
        references generation_lessons (generation_id, number) on delete cascade
);
create table generated_courses (
    generation_id uuid primary key references generations (id) on delete cascade,
    body text not null,
    summary jsonb not null
);

-- Something an operator must be able to count. No foreign keys: an event outlives what it is about.
create table system_metrics (
    id uuid primary key default gen_random_uuid(),
    event_type metric_event_type not null,
    severity metric_severity not null,
    user_id uuid,
    course_id uuid,
    job_id text,
    metadata jsonb not null default '{}',
    "timestamp" timestamptz not null default now()
);
create index system_metrics_event_type on system_metrics (event_type, "timestamp" desc);
create index system_metrics_severity on system_metrics (severity, "timestamp" desc);
create index system_metrics_timestamp on system_metrics ("timestamp" desc);
create index system_metrics_course on system_metrics (course_id, "timestamp" desc) where course_id is not null;

-- Which body of each file of sql/functions was applied, and when: the latest is the current one.
create table sql_functions (
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (name, checksum)
);

-- On a database with Supabase's roles users read their own generations and nothing else of ours, whatever its
-- default privileges grant to the API's roles; the service's role goes past row-level security there.
do $$
declare
    ours constant text[] := array[
        'generations', 'stage_attempts', 'stage_results', 'generation_documents', 'generation_briefs',
        'generation_sections', 'generation_lessons', 'generation_drafts', 'generated_courses', 'system_metrics',
        'sql_functions'
    ];
    -- The queue's tables and the migrations' own, where it is this role that says who may use them.
    tools constant text[] := array(
        select c.relname::text from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and pg_has_role(c.relowner, 'usage')
            and (c.relname like 'procrastinate\_%' or c.relname = 'schema_migrations')
    );
    t text;
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        if to_regrole(api_role) is not null then
            foreach t in array ours || tools loop
                execute format('revoke all on %I from %I', t, api_role);
            end loop;
        end if;
    end loop;
    if to_regrole('service_role') is not null then
        foreach t in array ours || tools loop
            execute format('grant select, insert, update, delete on %I to service_role', t);
        end loop;
        for t in
            select d.objid::regclass::text from pg_depend d join pg_class s on s.oid = d.objid
            where s.relkind = 'S' and d.refobjid = any (tools::regclass[])
        loop
            execute format('grant usage on sequence %s to service_role', t);
        end loop;
        foreach t in array ours loop
            execute format('alter table %I enable row level security', t);
            execute format('create policy %I on %I to service_role using (true) with check (true)', t || '_service', t);
        end loop;
    end if;
    if to_regrole('authenticated') is not null and to_regprocedure('auth.uid()') is not null then
        execute 'alter table generations enable row level security';
        execute 'grant select on generations to authenticated';
        execute 'create policy generations_own on generations for select to authenticated using (user_id = auth.uid())';
    end if;
end
$$;

-- migrate:down

-- `courses` is the platform's: it and the columns it gained stay. So does the queue's schema.
drop function if exists update_course_progress, reset_course_progress, set_course_status, course_generation_status,
    advanced_course_progress, blank_course_progress, course_progress, course_progress_moves, course_progress_steps,
    course_step_moves, has_documents, lesson_count, malformed_course_progress, plain_course_status,
    whole_course_progress_steps;
drop table sql_functions, system_metrics, generated_courses, generation_drafts, generation_lessons, generation_sections,
    generation_briefs, generation_documents, stage_results, stage_attempts, generations;
drop type metric_severity, metric_event_type, attempt_outcome, generation_state, generation_stage, generation_tier;

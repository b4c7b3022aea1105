-- This service lives in a schema of its own. `public` holds what it shares with the platform: `courses`, `system_metrics`
-- with its two enums, and `update_course_progress`. What exists stays as it is; `courses` only gains the columns it lacks.
do $$
begin
    if to_regtype('public.metric_event_type') is null then
        create type public.metric_event_type as enum (
            'job_rollback', 'orphaned_job_recovery', 'concurrency_limit_hit', 'worker_timeout',
            'rpc_retry_exhausted', 'duplicate_job_detected'
        );
    end if;
    if to_regtype('public.metric_severity') is null then
        create type public.metric_severity as enum ('info', 'warn', 'error', 'fatal');
    end if;
end
$$;

create table if not exists public.courses (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    title text not null,
    slug text not null unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
) with (fillfactor = 80);

alter table public.courses
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

-- Something an operator must be able to count. No foreign keys: an event outlives its subject.
do $$
begin
    if to_regclass('public.system_metrics') is null then
        create table public.system_metrics (
            id uuid primary key default gen_random_uuid(),
            event_type public.metric_event_type not null,
            severity public.metric_severity not null,
            user_id uuid,
            course_id uuid,
            job_id text,
            metadata jsonb not null default '{}',
            "timestamp" timestamptz not null default now()
        );
        create index system_metrics_event_type on public.system_metrics (event_type, "timestamp" desc);
        create index system_metrics_severity on public.system_metrics (severity, "timestamp" desc);
        create index system_metrics_timestamp on public.system_metrics ("timestamp" desc);
        create index system_metrics_course on public.system_metrics (course_id, "timestamp" desc)
            where course_id is not null;
    end if;
end
$$;

-- Closed sets. A test compares each with its Python enum.
create type coursegen.tier as enum ('FREE', 'BASIC', 'STANDARD', 'TRIAL', 'PREMIUM');
create type coursegen.stage as enum (
    'DOCUMENT_PROCESSING', 'STRUCTURE_ANALYSIS', 'STRUCTURE_GENERATION', 'TEXT_GENERATION', 'FINALIZATION'
);
-- docs/state-machine.md has the edges. `waiting` and `awaiting_approval` are not reached yet.
create type coursegen.generation_status as enum (
    'waiting', 'queued', 'running', 'awaiting_approval', 'completed', 'failed', 'cancelled'
);
-- How a start of a stage ended. Only 'failed', 'timeout' and 'died' count against the stage's starts. A start without an
-- outcome is running, or its worker died in silence.
create type coursegen.attempt_outcome as enum (
    'completed', 'failed', 'timeout', 'died', 'shutdown', 'interrupted', 'superseded'
);
create type coursegen.webhook_delivery_state as enum ('pending', 'delivered', 'given_up', 'gone');

-- One accepted request to generate one course. Its id is the public jobId.
create table coursegen.generations (
    id uuid primary key,
    course_id uuid not null references public.courses (id) on delete cascade,
    user_id uuid not null,
    organization_id uuid,
    tier coursegen.tier not null,
    priority integer not null,
    user_slot integer check (user_slot >= 1),
    system_slot integer check (system_slot >= 1),
    stage coursegen.stage not null,
    fence integer not null default 1 check (fence >= 1),
    status coursegen.generation_status not null default 'queued',
    paused_until timestamptz,
    paused_why text,
    source text not null,
    webhook_url text,
    request_id text,
    idempotency_key text,
    retry_of uuid references coursegen.generations (id) on delete set null,
    ended_by text,
    error_message text,
    error_details jsonb,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    -- A generation is active until it is final: this is the one list of what "active" means.
    constraint generations_finished_iff_final
        check ((finished_at is not null) = (status in ('completed', 'failed', 'cancelled'))),
    constraint generations_paused_while_running
        check ((paused_until is null) = (paused_why is null) and (paused_until is null or status = 'running')),
    -- Which states hold which slots.
    constraint generations_slots_by_status check (
        case status
            when 'queued' then user_slot is not null and system_slot is not null
            when 'running' then user_slot is not null and (system_slot is not null or paused_until is not null)
            when 'awaiting_approval' then user_slot is not null and system_slot is null
            when 'waiting' then system_slot is null  -- an approved or resumed one keeps its user's
            else user_slot is null and system_slot is null
        end
    )
) with (fillfactor = 80);

-- The limits are these indexes; Redis only proposes numbers that fit. A null number is no slot.
create unique index generations_one_active_per_course on coursegen.generations (course_id) where finished_at is null;
create unique index generations_user_slot on coursegen.generations (user_id, user_slot) where user_slot is not null;
create unique index generations_system_slot on coursegen.generations (system_slot) where system_slot is not null;
create index generations_course on coursegen.generations (course_id, created_at desc);
create index generations_retry_of on coursegen.generations (retry_of) where retry_of is not null;
create index generations_created_at on coursegen.generations (created_at);
create index generations_finished_at on coursegen.generations (finished_at) where finished_at is not null;

-- One row per start of a stage by a worker.
create table coursegen.attempts (
    id bigint generated always as identity primary key,
    generation_id uuid not null references coursegen.generations (id) on delete cascade,
    stage coursegen.stage not null,
    fence integer not null,
    job_id bigint not null,
    worker text not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    outcome coursegen.attempt_outcome,
    error text,
    constraint attempts_finished_iff_outcome check ((finished_at is not null) = (outcome is not null))
);
create index attempts_generation on coursegen.attempts (generation_id, stage);
create index attempts_open on coursegen.attempts (job_id) where outcome is null;
-- Starts are appended in the order of their time and pruned by it: a start pays for no index entry of its own.
create index attempts_started_at on coursegen.attempts using brin (started_at)
    with (pages_per_range = 32, autosummarize = on);

-- A stage's results and this row are written together, once.
create table coursegen.stage_results (
    generation_id uuid not null references coursegen.generations (id) on delete cascade,
    stage coursegen.stage not null,
    attempt_id bigint not null,
    finished_at timestamptz not null default now(),
    primary key (generation_id, stage)
);
create table coursegen.documents (
    generation_id uuid not null references coursegen.generations (id) on delete cascade,
    position integer not null,
    file_id text not null,
    name text not null,
    mime_type text not null,
    body text not null,
    headings jsonb not null,
    error text,
    primary key (generation_id, position)
);
create table coursegen.briefs (
    generation_id uuid primary key references coursegen.generations (id) on delete cascade,
    brief jsonb not null
);
create table coursegen.sections (
    generation_id uuid not null references coursegen.generations (id) on delete cascade,
    number integer not null,
    title text not null,
    primary key (generation_id, number)
);
create table coursegen.lessons (
    generation_id uuid not null references coursegen.generations (id) on delete cascade,
    number integer not null,
    section_number integer not null,
    title text not null,
    goals jsonb not null,
    sources jsonb not null,
    primary key (generation_id, number),
    foreign key (generation_id, section_number)
        references coursegen.sections (generation_id, number) on delete cascade
);
create table coursegen.drafts (
    generation_id uuid not null references coursegen.generations (id) on delete cascade,
    lesson_number integer not null,
    body text not null,
    primary key (generation_id, lesson_number),
    foreign key (generation_id, lesson_number)
        references coursegen.lessons (generation_id, number) on delete cascade
);
create table coursegen.finished_courses (
    generation_id uuid primary key references coursegen.generations (id) on delete cascade,
    body text not null,
    summary jsonb not null
);

-- Which generation a user's Idempotency-Key started, for a day. No foreign key: the response is repeated even after the
-- course, and the generation with it, is deleted.
create table coursegen.idempotency_keys (
    user_id uuid not null,
    key text not null,
    fingerprint bytea not null,
    generation_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
);
create index idempotency_keys_created_at on coursegen.idempotency_keys (created_at);

-- The outbox: one row per message, written in the transaction that made it true. `seq` counts from 1 within the
-- generation; of the pending ones only the lowest is sent.
create table coursegen.webhook_deliveries (
    generation_id uuid not null references coursegen.generations (id) on delete cascade,
    seq integer not null check (seq >= 1),
    status text not null,
    step integer not null,
    percentage integer not null,
    message text not null,
    error text,
    created_at timestamptz not null default now(),
    state coursegen.webhook_delivery_state not null default 'pending',
    failures integer not null default 0,
    due_at timestamptz not null default now(),
    give_up_at timestamptz not null default now() + interval '1 day',
    -- The sender's claim: until then nobody else sends it. The value also identifies the claim.
    held_until timestamptz,
    finished_at timestamptz,
    primary key (generation_id, seq),
    constraint webhook_deliveries_finished_iff_final check ((finished_at is not null) = (state <> 'pending'))
) with (fillfactor = 80);
create index webhook_deliveries_pending on coursegen.webhook_deliveries (generation_id, seq) where state = 'pending';
create index webhook_deliveries_created_at on coursegen.webhook_deliveries (created_at);

-- One row per try: the receiver's response, or why there was none.
create table coursegen.webhook_attempts (
    id bigint generated always as identity primary key,
    generation_id uuid not null,
    seq integer not null,
    at timestamptz not null default now(),
    ms integer not null,
    status integer,
    error text,
    excerpt text,
    foreign key (generation_id, seq) references coursegen.webhook_deliveries (generation_id, seq) on delete cascade,
    constraint webhook_attempts_status_or_error check ((status is null) <> (error is null))
);
create index webhook_attempts_delivery on coursegen.webhook_attempts (generation_id, seq);

-- Every change by a person: who did what to which generation or course, and why. No foreign keys: a row outlives its
-- subject.
create table coursegen.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    generation_id uuid,
    course_id uuid,
    reason text,
    details jsonb not null default '{}'
);
create index audit_at on coursegen.audit (at desc);
create index audit_generation on coursegen.audit (generation_id) where generation_id is not null;

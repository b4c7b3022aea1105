-- What a platform's own table of courses shows of a generation. `migrate` fills these three for the platforms it knows.
-- Where each of our statuses is written, and with which value. Without a column it is not written.
create table coursegen.status_map (
    status text primary key,
    column_name text check (column_name in ('generation_status', 'status')),
    value text,
    -- The column may refuse: it is the platform's.
    is_guarded boolean not null,
    -- The name of the shipped map, or `operator`.
    source text not null,
    constraint status_map_value_iff_column check ((value is null) = (column_name is null))
);
-- The changes of the value that the platform allows; none are known of a column that takes any.
create table coursegen.status_changes (
    old_value text not null,
    new_value text not null,
    primary key (old_value, new_value)
);
-- What follows from both: the values that are written one after the other, where one change is not enough.
create table coursegen.status_routes (
    status text not null references coursegen.status_map (status) on delete cascade,
    old_value text not null,
    steps text[] not null,
    primary key (status, old_value)
);

-- Events of types that a platform's `metric_event_type` lacks. No label is added to it: none could be taken away again.
create table coursegen.events (
    id uuid primary key default gen_random_uuid(),
    event_type text not null,
    severity public.metric_severity not null,
    user_id uuid,
    course_id uuid,
    job_id text,
    metadata jsonb not null default '{}',
    "timestamp" timestamptz not null default now()
);
create index events_timestamp on coursegen.events ("timestamp" desc);

-- The value of the course's status by which the platform cancels this generation; null if it has none, or if the admission
-- left the course with it.
alter table coursegen.generations add column cancel_value text default 'cancelled';

-- What coursegen.publish_course did with a completed generation, the latest of each mode.
create table coursegen.publications (
    generation_id uuid not null references coursegen.generations (id) on delete cascade,
    mode text not null check (mode in ('fill', 'replace', 'draft')),
    published_at timestamptz not null default now(),
    result jsonb not null,
    primary key (generation_id, mode)
);
create index generations_completed on coursegen.generations (course_id, finished_at desc) where status = 'completed';

-- migrate:down
drop index coursegen.generations_completed;
drop table coursegen.publications;
alter table coursegen.generations drop column cancel_value;
drop table coursegen.events;
drop table coursegen.status_routes, coursegen.status_changes, coursegen.status_map;

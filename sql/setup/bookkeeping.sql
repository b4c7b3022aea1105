-- What `migrate` has done to this database. Applied before everything else; a second time changes nothing.
create schema if not exists coursegen;

create table if not exists coursegen.applied_migrations (
    version text primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
);
-- Every body that a function ever had: a process of an older release finds its own here, and is not disturbed.
create table if not exists coursegen.applied_functions (
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (name, checksum)
);
-- The queue library's own scripts. `was_there`: applied before this service.
create table if not exists coursegen.queue_migrations (
    script text primary key,
    was_there boolean not null,
    applied_at timestamptz not null default now()
);
-- What `migrate` created outside of this schema. Rollback drops exactly that.
create table if not exists coursegen.created_objects (
    kind text not null check (kind in ('table', 'column', 'type', 'function')),
    name text not null,
    primary key (kind, name)
);

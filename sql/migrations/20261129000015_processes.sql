-- The processes of this service, as each describes itself with its signs of life. A row lives from a process's start to its
-- end, or until it has been silent for a day.
create table coursegen.processes (
    process text primary key,  -- the host and process id, as in `workers` and `attempts`
    kind text not null check (kind in ('api', 'console', 'worker')),
    version text not null,
    settings jsonb not null,  -- by variable, as text; of a secret its fingerprint
    places integer not null,  -- stages that it runs at once
    cpu_pressure real,  -- of its host: the share of the time in which something waited for a processor
    memory_available bigint,
    memory_total bigint,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
) with (fillfactor = 80);

-- migrate:down
drop table coursegen.processes;

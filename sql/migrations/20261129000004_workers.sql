-- The workers of this service, under the ids that the queue gave them. The queue itself knows nothing but the heartbeat.
-- A row lives from a worker's start to its end, or until the worker has been silent for a day.
create table coursegen.workers (
    id bigint primary key,
    process text not null,  -- the host and process id, as in `attempts`
    name text not null,
    version text not null,
    queues text[] not null,
    started_at timestamptz not null default now(),
    last_heartbeat timestamptz not null default now()
);

-- migrate:down
drop table coursegen.workers;

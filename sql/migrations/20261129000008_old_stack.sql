-- The ids of the events that this service wrote to `system_metrics`, which a platform writes too: only these are pruned and,
-- by rollback, deleted.
create table coursegen.written_events (
    id uuid primary key,
    "timestamp" timestamptz not null
);
create index written_events_timestamp on coursegen.written_events ("timestamp");
insert into coursegen.written_events (id, "timestamp")
select m.id, m."timestamp" from public.system_metrics m
where exists (select from coursegen.created_objects where kind = 'table' and name = 'system_metrics')
    or m.job_id in (select g.id::text from coursegen.generations g);

-- migrate:down
drop table coursegen.written_events;

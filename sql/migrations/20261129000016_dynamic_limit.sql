-- Where GLOBAL_CONCURRENCY_LIMIT=auto has moved the limit to. At most one row; without one, it has not moved yet.
create table coursegen.dynamic_limit (
    is_only boolean primary key default true check (is_only),
    value integer not null check (value >= 1),
    reason text not null,
    changed_at timestamptz not null default now(),
    lowered_at timestamptz
);

-- migrate:down
drop table coursegen.dynamic_limit;

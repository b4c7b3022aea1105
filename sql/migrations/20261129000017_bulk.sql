-- Actions on many generations: what an operator chose, and what came of each. A run acts once it is confirmed, under a claim:
-- nobody else acts for it before `held_until`. The audit outlives these rows.
create table coursegen.bulk_runs (
    id uuid primary key,
    action text not null check (action in ('cancel', 'retry', 'resend')),
    filter jsonb not null,  -- as texts, by the names in a URL
    skipped jsonb not null,  -- how many matched to which the action does not apply, by why
    operator text not null,
    reason text,
    prepared_at timestamptz not null default now(),
    confirmed_at timestamptz,
    finished_at timestamptz,
    holder uuid,
    held_until timestamptz
);
create index bulk_runs_prepared_at on coursegen.bulk_runs (prepared_at);
create table coursegen.bulk_rows (
    run_id uuid not null references coursegen.bulk_runs (id) on delete cascade,
    position integer not null,
    generation_id uuid not null,  -- no foreign key: a row outlives its subject
    outcome text check (outcome in ('done', 'changed', 'failed')),
    why text,
    primary key (run_id, position)
);
create index bulk_rows_left on coursegen.bulk_rows (run_id, position) where outcome is null;

-- migrate:down
drop table coursegen.bulk_rows, coursegen.bulk_runs;

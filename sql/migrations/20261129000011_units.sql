-- Finished parts of a stage, which any later run of the course goes on from: what made each, and what it cost. The hash is
-- of the part's input and of the handler's version.
create table coursegen.units (
    course_id uuid not null references public.courses (id) on delete cascade,
    stage coursegen.stage not null,
    unit text not null,
    hash bytea not null,
    generation_id uuid references coursegen.generations (id) on delete set null,  -- that saved it
    result jsonb not null,
    handler text not null,
    version text not null,
    model text,
    calls bigint not null,
    tokens bigint not null,
    money numeric not null,
    saved_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    primary key (course_id, stage, unit, hash)
);
create index units_generation on coursegen.units (generation_id);
create index units_used_at on coursegen.units (used_at);

-- What the handlers of a generation have spent, finished parts or not.
create table coursegen.spending (
    generation_id uuid primary key references coursegen.generations (id) on delete cascade,
    calls bigint not null default 0,
    tokens bigint not null default 0,
    money numeric not null default 0
) with (fillfactor = 50);

-- migrate:down
drop table coursegen.spending, coursegen.units;

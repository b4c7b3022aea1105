-- migrate:up

-- What the metrics ask for is recent: rows since a time. Events have their index on time already.

-- A B-tree, which also finds the newest generations in order. BRIN would save little: this table is never pruned and its
-- rows are updated, so that old pages gain new rows.
create index generations_created_at on generations (created_at);

-- Costs an admission nothing: a row enters it once, when its generation becomes final.
create index generations_finished_at on generations (finished_at) where finished_at is not null;

-- Starts are appended in the order of their time and pruned by it: a few pages tell where the recent ones lie, and a
-- start pays for no entry of its own.
create index stage_attempts_started_at on stage_attempts
    using brin (started_at) with (pages_per_range = 32, autosummarize = on);

-- migrate:down

drop index stage_attempts_started_at, generations_finished_at, generations_created_at;

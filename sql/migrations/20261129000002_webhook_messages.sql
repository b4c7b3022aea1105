-- Each webhook message gets an id that is never used again, also after a restore that lost rows. Rows written before this
-- migration have none: they keep the id that their receivers may know, <generation>-<seq>. So no row is rewritten.
alter table coursegen.webhook_deliveries add column id uuid;
alter table coursegen.webhook_deliveries alter column id set default gen_random_uuid();

-- When a sender last claimed a delivery of the user: whose turn is longest ago is next. Kept for a day.
create table coursegen.webhook_turns (
    user_id uuid primary key,
    at timestamptz not null
) with (fillfactor = 50);

-- migrate:down
drop table coursegen.webhook_turns;
alter table coursegen.webhook_deliveries drop column id;

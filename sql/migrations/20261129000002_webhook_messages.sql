-- Each webhook message gets an id that is never used again, also after a restore that lost rows. Rows written before this
-- migration have none: they keep the id that their receivers may know, <generation>-<seq>. So no row is rewritten.
alter table coursegen.webhook_deliveries add column id uuid;
alter table coursegen.webhook_deliveries alter column id set default gen_random_uuid();

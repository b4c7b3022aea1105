-- The transaction may change controls and tiers: none is under way that decided by their old values. Waits for these for a
-- moment only, since new ones wait meanwhile.
create or replace function coursegen.lock_controls_v1() returns void
language sql
set lock_timeout = '500ms'
as $$
    select pg_advisory_xact_lock(hashtext('coursegen'), hashtext('controls'))
$$;

-- No control and no tier changes until the transaction ends. What the next statement reads is what is in force.
create or replace function coursegen.hold_controls() returns void
language plpgsql
as $$
begin
    perform pg_advisory_xact_lock_shared(hashtext('coursegen'), hashtext('controls'));
end
$$;

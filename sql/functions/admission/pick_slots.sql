-- The lowest free numbers of the user and of the system (null: none free), and how many are held. For when Redis proposes
-- none: one transaction at a time picks, under the same indexes.
create or replace function coursegen.pick_slots(
    p_user_id uuid, p_user_limit int, p_system_limit int,
    out user_slot int, out system_slot int, out user_active int, out system_active int
)
language plpgsql
as $$
begin
    perform pg_advisory_xact_lock(hashtext('coursegen'), hashtext('slots'));
    -- A statement of its own: its snapshot is taken under the lock.
    select count(*) filter (where g.user_id = p_user_id and g.user_slot is not null), count(g.system_slot)
    into user_active, system_active
    from coursegen.generations g
    where g.user_slot is not null;
    if user_active < p_user_limit then
        select n into user_slot
        from generate_series(1, p_user_limit) n
        where not exists (
            select from coursegen.generations g where g.user_id = p_user_id and g.user_slot = n
        )
        limit 1;
    end if;
    if system_active < p_system_limit then
        select n into system_slot
        from generate_series(1, system_active + 1) n
        where n <= p_system_limit and not exists (
            select from coursegen.generations g where g.system_slot = n
        )
        limit 1;
    end if;
end
$$;

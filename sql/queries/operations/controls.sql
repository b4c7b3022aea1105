-- name: lock_controls
select coursegen.lock_controls_v1();

-- name: list_controls
-- What operators override, with who set it.
select name, value, set_by, reason, set_at from coursegen.controls order by name;

-- name: find_limit
select coursegen.limit_in_force_v1(%(limit)s) as in_force;

-- name: set_control
insert into coursegen.controls as c (name, value, set_by, reason)
values (%(name)s, %(value)s, %(set_by)s, %(reason)s)
on conflict (name) do update
set value = excluded.value, set_by = excluded.set_by, reason = excluded.reason, set_at = excluded.set_at;

-- name: clear_controls
delete from coursegen.controls where name = any(%(names)s) returning name, value;

-- name: list_tiers
select t.tier::text, t.slots, t.priority from coursegen.tiers t order by t.tier;

-- name: set_tier
-- What is null stays as it is.
update coursegen.tiers t
set slots = coalesce(%(slots)s, t.slots), priority = coalesce(%(priority)s, t.priority)
where t.tier = %(tier)s::coursegen.tier
returning t.slots, t.priority;

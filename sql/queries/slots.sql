-- name: highest_system_slot
-- The highest number that an active generation holds of the system's; null without any.
select max(system_slot) as highest from coursegen.generations where user_slot is not null;

-- name: list_system_slots
-- The active generations that hold a number of the system's above `low` and up to `high`, with it.
select id::text, system_slot
from coursegen.generations
where system_slot > %(low)s and system_slot <= %(high)s;

-- name: list_user_slots
-- The active generations of the users, each with its user and the number that it holds of that user's.
select user_id, id::text, user_slot
from coursegen.generations
where user_slot is not null and user_id = any(%(users)s::uuid[]);

-- name: list_users_with_slots
-- Every user who holds a slot.
select distinct user_id from coursegen.generations where user_slot is not null;

-- name: list_final
-- Those of the generations that are final.
select id::text from coursegen.generations where id = any(%(ids)s::uuid[]) and finished_at is not null;

-- name: count_holders
-- How many slots each user holds.
select user_id, count(*) as active from coursegen.generations where user_slot is not null group by user_id;

-- name: list_holders
-- Every active generation with its slots.
select id as generation_id, user_id, user_slot, system_slot
from generations
where status in ('queued', 'running');

-- name: list_holders_of_user
-- The user's active generations with their slots.
select id as generation_id, user_id, user_slot, system_slot
from generations
where user_id = %(user_id)s and status in ('queued', 'running');

-- name: count_holders
-- How many slots each user holds.
select user_id, count(*) as active from generations where status in ('queued', 'running') group by user_id;

-- name: list_holders
-- Every active generation with its slots, and of the members those that are final.
select id as generation_id, user_id, user_slot, system_slot, true as active
from generations
where status in ('queued', 'running')
union all
select id, user_id, user_slot, system_slot, false
from generations
where id = any(%(members)s::uuid[]) and status not in ('queued', 'running');

-- name: list_holders_of_user
-- The user's active generations with their slots, and of the members those of the user that are final.
select id as generation_id, user_id, user_slot, system_slot, true as active
from generations
where user_id = %(user_id)s and status in ('queued', 'running')
union all
select id, user_id, user_slot, system_slot, false
from generations
where user_id = %(user_id)s and id = any(%(members)s::uuid[]) and status not in ('queued', 'running');

-- name: count_holders
-- How many slots each user holds.
select user_id, count(*) as active from generations where status in ('queued', 'running') group by user_id;

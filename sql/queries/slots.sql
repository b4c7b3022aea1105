-- name: list_slot_holders
-- The generations that hold slots, with both numbers, and those that ended moments ago, with zeros. Of these users; of all
-- users where `users` is null.
select
    id::text,
    user_id,
    case when finished_at is null then user_slot else 0 end as user_slot,
    case when finished_at is null then system_slot else 0 end as system_slot
from generations
where (status in ('queued', 'running') or finished_at > now() - interval '30 seconds')
    and (%(users)s::uuid[] is null or user_id = any(%(users)s));

-- name: count_holders
-- How many slots each user holds.
select user_id, count(*) as active from generations where status in ('queued', 'running') group by user_id;

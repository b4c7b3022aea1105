-- name: list_slot_holders
-- The generations that hold slots, with their numbers, and those that ended moments ago; 0 for a number that is not held. Of
-- these users; of all users where `users` is null.
select id::text, user_id, coalesce(user_slot, 0) as user_slot, coalesce(system_slot, 0) as system_slot
from coursegen.generations
where (user_slot is not null or finished_at > now() - interval '30 seconds')
    and (%(users)s::uuid[] is null or user_id = any(%(users)s));

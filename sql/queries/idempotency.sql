-- name: claim_key
-- Whether the key is the caller's transaction's until it ends; another's otherwise.
select pg_try_advisory_xact_lock(hashtextextended(%(user_id)s::text || %(key)s, 0)) as claimed;

-- name: find_key
-- What the key started within the last day.
select fingerprint, generation_id
from coursegen.idempotency_keys
where user_id = %(user_id)s and key = %(key)s and created_at > now() - interval '1 day';

-- name: keep_key
-- What the key started, in place of what it started more than a day ago.
insert into coursegen.idempotency_keys (user_id, key, fingerprint, generation_id)
values (%(user_id)s, %(key)s, %(fingerprint)s, %(generation_id)s)
on conflict (user_id, key) do update
set fingerprint = excluded.fingerprint, generation_id = excluded.generation_id, created_at = excluded.created_at;

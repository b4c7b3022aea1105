-- Claims a user's Idempotency-Key until the transaction ends. Outcomes: claimed; in_flight: another transaction has it;
-- replayed: it started that generation within a day; reused: it did so for another request.
create or replace function coursegen.claim_idempotency_key(
    p_user_id uuid, p_key text, p_fingerprint text, out outcome text, out generation_id uuid
)
language plpgsql
as $$
declare
    fingerprint bytea;
begin
    if not pg_try_advisory_xact_lock(hashtextextended(p_user_id::text || p_key, 0)) then
        outcome := 'in_flight';
        return;
    end if;
    select k.fingerprint, k.generation_id into fingerprint, generation_id
    from coursegen.idempotency_keys k
    where k.user_id = p_user_id and k.key = p_key and k.created_at > now() - interval '1 day';
    outcome := case
        when not found then 'claimed'
        when fingerprint = decode(p_fingerprint, 'hex') then 'replayed'
        else 'reused'
    end;
end
$$;

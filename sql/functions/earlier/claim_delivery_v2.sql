-- As claim_delivery_v3, without the documents.
create or replace function coursegen.claim_delivery_v2(p_generation_id uuid, p_hold_s float, p_share int)
returns table (
    outcome text, generation_id uuid, message_id text, course_id uuid, url text, seq int, status text, step int,
    percentage int, message text, error text, failures int, left_s float, held_until timestamptz
)
language sql
as $$
    select
        c.outcome, c.generation_id, c.message_id, c.course_id, c.url, c.seq, c.status, c.step, c.percentage, c.message,
        c.error, c.failures, c.left_s, c.held_until
    from coursegen.claim_delivery_v3(p_generation_id, p_hold_s, p_share) c
$$;

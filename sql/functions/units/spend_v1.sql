-- Adds to what the generation has spent. Calls are asked for before they are made: within p_budget (calls, tokens, money; null
-- for no limit) or not at all. Tokens and money are always added: they are spent.
-- Outcomes: spent; exhausted (with all that is spent); superseded.
create or replace function coursegen.spend_v1(
    p_generation_id uuid, p_fence int, p_calls bigint, p_tokens bigint, p_money numeric, p_budget jsonb
) returns table (outcome text, calls bigint, tokens bigint, money numeric)
language plpgsql
as $$
#variable_conflict use_column
begin
    if not coursegen.holds_fence_v1(coursegen.lock_generation(p_generation_id), p_fence) then
        outcome := 'superseded';
        return next;
        return;
    end if;
    insert into coursegen.spending as s (generation_id, tokens, money) values (p_generation_id, p_tokens, p_money)
    on conflict (generation_id) do update set tokens = s.tokens + p_tokens, money = s.money + p_money;
    outcome := 'exhausted';
    if p_calls = 0 then
        outcome := 'spent';
    else
        update coursegen.spending s set calls = s.calls + p_calls
        where s.generation_id = p_generation_id
            and (s.calls + p_calls <= (p_budget ->> 'calls')::bigint) is not false
            and (s.tokens < (p_budget ->> 'tokens')::bigint) is not false
            and (s.money < (p_budget ->> 'money')::numeric) is not false;
        if found then
            outcome := 'spent';
        end if;
    end if;
    return query
    select outcome, s.calls, s.tokens, s.money from coursegen.spending s where s.generation_id = p_generation_id;
end
$$;

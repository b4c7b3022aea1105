-- As admit_generations_v2, for processes of the release before it. Where admissions are paused they say that the system is full.
create or replace function coursegen.admit_generations_v1(p_requests jsonb, p_wait boolean)
returns table (
    id uuid, outcome text, generation_id uuid, files_malformed boolean, user_active int, system_active int
)
language sql
as $$
    select
        id, case outcome when 'paused' then 'system_full' else outcome end, generation_id, files_malformed,
        case outcome when 'paused' then 0 else user_active end,
        case outcome when 'paused' then system_limit else system_active end
    from coursegen.admit_generations_v2(p_requests, p_wait)
$$;

-- Why a failed generation failed: how the last start that counts of its stage ended (none if no start is kept), and the first
-- line of that start's error, or of the owner's message, without ids. `id` names the stage, the cause and the error.
create or replace function coursegen.failure_cause_v1(generation coursegen.generations)
returns table (cause text, error text, id text)
language sql stable
as $$
    select found.cause, found.error, md5(concat_ws(E'\n', generation.stage::text, found.cause, found.error))
    from (select 1) one
    left join lateral (
        select attempt.id, attempt.outcome, attempt.error
        from coursegen.attempts attempt
        where attempt.generation_id = generation.id and attempt.stage = generation.stage
            and (attempt.outcome is null or attempt.outcome in ('failed', 'timeout', 'died'))
        order by attempt.id desc
        limit 1
    ) last on true
    cross join lateral (
        select
            case when last.id is null then 'none' else coalesce(last.outcome::text, 'silent') end as cause,
            left(
                regexp_replace(
                    split_part(coalesce(last.error, generation.error_message, ''), E'\n', 1),
                    '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '<id>', 'gi'
                ),
                120
            ) as error
    ) found
$$;

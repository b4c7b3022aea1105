-- Saves a finished unit for any later run of the course. Saved again, it is replaced. Of one unit the three results that
-- were used last are kept. Counts as progress.
-- Outcomes: saved, superseded.
create or replace function coursegen.save_unit_v1(
    p_generation_id uuid, p_fence int, p_stage text, p_unit text, p_hash bytea, p_result jsonb, p_handler text,
    p_version text, p_model text, p_calls bigint, p_tokens bigint, p_money numeric
) returns table (outcome text)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if not coursegen.holds_fence_v1(generation, p_fence) or generation.stage::text <> p_stage then
        outcome := 'superseded';
        return next;
        return;
    end if;
    insert into coursegen.units as u (
        course_id, stage, unit, hash, generation_id, result, handler, version, model, calls, tokens, money
    ) values (
        generation.course_id, generation.stage, p_unit, p_hash, p_generation_id, p_result, p_handler, p_version, p_model,
        p_calls, p_tokens, p_money
    )
    on conflict (course_id, stage, unit, hash) do update
    set generation_id = excluded.generation_id, result = excluded.result, handler = excluded.handler,
        version = excluded.version, model = excluded.model, calls = excluded.calls, tokens = excluded.tokens,
        money = excluded.money, saved_at = now(), used_at = now();
    delete from coursegen.units u
    where u.course_id = generation.course_id and u.stage = generation.stage and u.unit = p_unit and u.hash <> p_hash
        and u.hash not in (
            select o.hash from coursegen.units o
            where o.course_id = generation.course_id and o.stage = generation.stage and o.unit = p_unit and o.hash <> p_hash
            order by o.used_at desc limit 2
        );
    perform coursegen.write_course(generation.course_id, '[{"alive": true}]');
    outcome := 'saved';
    return next;
end
$$;

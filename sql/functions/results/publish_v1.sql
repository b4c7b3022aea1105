-- Publishes a completed generation by the operator's coursegen.publish_course, once in each mode unless p_again. Returns
-- what that did; null for nothing. If it fails, the generation is completed all the same, and that is counted as an event;
-- with p_again the error is raised.
create or replace function coursegen.publish_v1(p_generation_id uuid, p_mode text, p_again boolean default false) returns jsonb
language plpgsql
as $$
declare
    done jsonb := (
        select p.result from coursegen.publications p
        where p.generation_id = p_generation_id and p.mode = p_mode and not p_again
    );
begin
    if done is not null then
        return done;
    end if;
    done := coursegen.publish_course(p_generation_id, p_mode);
    if done is not null then
        insert into coursegen.publications (generation_id, mode, result) values (p_generation_id, p_mode, done)
        on conflict (generation_id, mode) do update set published_at = now(), result = excluded.result;
    end if;
    return done;
exception when others or query_canceled then
    if p_again or sqlstate in ('40001', '40P01', '55P03') or sqlstate like '53%' then
        raise;
    end if;
    perform coursegen.record_own_event('publish_failed', 'error', p_generation_id, jsonb_build_object('error', sqlerrm));
    return null;
end
$$;

-- What the dynamic limit depends on, as app/generation/capacity/decision.py explains it; a limit of 0 has not moved yet. Until
-- the caller's transaction ends nobody else decides. No row if somebody does, or while an operator's limit is in force.
create or replace function coursegen.read_situation_v1(p_stalled_s float, p_window_s float)
returns table (
    "limit" int, active int, hosts jsonb, refused int, waiting int, oldest_s float, busy int, changed_s float, lowered_s float
)
language plpgsql
as $$
begin
    if not pg_try_advisory_xact_lock(hashtext('coursegen'), hashtext('dynamic limit')) then
        return;
    end if;
    -- A statement of its own: its snapshot is taken under the lock.
    return query
    select
        coalesce(moved.value, 0),
        (select count(*)::int from coursegen.generations g where g.system_slot is not null),
        (
            select coalesce(jsonb_agg(host), '[]')
            from (
                select
                    sum(coalesce(p.places, 1)) as places, max(p.cpu_pressure) as cpu_pressure,
                    min(p.memory_available::float / nullif(p.memory_total, 0)) as memory_free
                from coursegen.workers w
                left join coursegen.processes p on p.process = w.process
                where 'stages' = any (w.queues) and w.last_heartbeat > now() - make_interval(secs => p_stalled_s)
                group by split_part(w.process, ':', 1)
            ) host
        ),
        (
            select coalesce(sum(
                case when jsonb_typeof(e.metadata -> 'count') = 'number' then (e.metadata ->> 'count')::numeric else 1 end
            ), 0)::int
            from public.system_metrics e
            where e.event_type = 'concurrency_limit_hit' and e.metadata ->> 'limit' = 'system'
                and e."timestamp" > now() - make_interval(secs => p_window_s)
        ),
        w.waiting, w.oldest_s,
        (
            select count(*)::int from coursegen.generations g
            where g.finished_at is null and g.paused_why = 'provider_busy' and g.paused_until > now()
        ),
        extract(epoch from now() - moved.changed_at)::float,
        extract(epoch from now() - moved.lowered_at)::float
    from (
        select count(*)::int as waiting, coalesce(extract(epoch from now() - min(g.created_at)), 0)::float as oldest_s
        from coursegen.generations g
        where g.finished_at is null and g.status = 'waiting'
    ) w
    left join coursegen.dynamic_limit moved on true
    where not exists (select from coursegen.controls c where c.name = 'limit');
end
$$;

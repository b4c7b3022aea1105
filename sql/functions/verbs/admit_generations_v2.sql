-- Decides each request. Inserts the admitted generations, starts their courses, queues their first jobs, announces their
-- webhooks and keeps their keys. A course must be its user's and have no active generation; slot numbers must be free.
-- With p_wait, waits for locked courses. Without, a locked course or a taken slot number leaves the request undecided.
-- Picks the slot numbers of a request that has none, or whose numbers are no longer within the limits in force. These, which
-- are returned, and the tier's priority are read here: no change of them commits before this transaction. A retry starts at
-- the stage at which retry_of failed, with the results of the stages before. A second call with the same id, after an
-- unknown outcome of the first, admits nothing again.
-- Outcomes: admitted; undecided; not_found; forbidden; active (generation_id is the active one); old_stack (of a request that
-- is `beside` it); paused; slot_taken; user_full, system_full (with the counts); not_failed; key_in_flight, key_reused; replayed
-- (generation_id is the earlier one).
create or replace function coursegen.admit_generations_v2(p_requests jsonb, p_wait boolean)
returns table (
    id uuid, outcome text, generation_id uuid, files_malformed boolean, user_active int, system_active int,
    user_limit int, system_limit int
)
language plpgsql
as $$
#variable_conflict use_variable
declare
    request record;
    course record;
    generation coursegen.generations;
    picked record;
    in_force record;
    tier record;
    is_picked_here boolean;
    first_stage coursegen.stage;
    carried jsonb;
    jobs procrastinate_job_to_defer_v1[] := '{}';
begin
    for request in
        select r.* from jsonb_to_recordset(p_requests) as r (
            id uuid, course_id uuid, user_id uuid, tier coursegen.tier, user_slot int, system_slot int,
            system_limit int, source text, webhook_url text, request_id text, idempotency_key text,
            fingerprint text, retry_of uuid, message text, status text, actor text, reason text,
            completed_steps jsonb, beside boolean, traceparent text
        ) order by r.course_id
    loop
        id := request.id;
        generation_id := request.id;
        files_malformed := false;
        user_active := null;
        system_active := null;
        user_limit := null;
        system_limit := null;

        -- Before the wait for the course, so that a repeated key is answered at once.
        if request.idempotency_key is not null then
            select * into picked
            from coursegen.claim_idempotency_key(request.user_id, request.idempotency_key, request.fingerprint);
            if picked.outcome <> 'claimed' then
                outcome := case picked.outcome when 'replayed' then 'replayed' else 'key_' || picked.outcome end;
                generation_id := picked.generation_id;
                return next;
                continue;
            end if;
        end if;
        if p_wait then
            select c.user_id, c.organization_id, c.generation_progress into course
            from public.courses c where c.id = request.course_id for no key update;
        else
            select c.user_id, c.organization_id, c.generation_progress into course
            from public.courses c where c.id = request.course_id for no key update skip locked;
        end if;
        outcome := case
            when found and course.user_id = request.user_id then null
            when not p_wait then 'undecided'
            when not found then 'not_found'
            else 'forbidden'
        end;
        if outcome is null and p_wait and exists (select from coursegen.generations g where g.id = request.id) then
            outcome := 'admitted';
        end if;
        if outcome is null then
            select g.* into generation from coursegen.generations g
            where g.course_id = request.course_id and g.finished_at is null;
            if found then
                outcome := 'active';
                generation_id := generation.id;
            elsif request.beside and coursegen.is_with_old_stack(request.course_id) then
                outcome := 'old_stack';
            end if;
        end if;
        if outcome is null then
            if in_force is null then
                perform coursegen.hold_controls();
                -- A statement of its own: its snapshot is taken under the lock. It holds for all requests of the call.
                select
                    l.slots as system_slots,
                    exists (select from coursegen.controls c where c.name = 'admissions') as is_paused,
                    -- The highest number: one look at the end of an index. A limit that was lowered may have such a holder.
                    coalesce(
                        (select max(g.system_slot) from coursegen.generations g where g.system_slot is not null) > l.slots,
                        false
                    ) as is_exceeded
                into in_force
                from (select coursegen.limit_in_force_v1(request.system_limit) as slots) l;
            end if;
            select t.priority, t.slots into tier from coursegen.tiers t where t.tier = request.tier;
            user_limit := tier.slots;
            system_limit := in_force.system_slots;
            -- Numbers within the limits keep both, unless a generation has one above them: then the holders are counted.
            is_picked_here := in_force.is_exceeded
                or coalesce(request.user_slot > user_limit or request.system_slot > system_limit, true)
                or coalesce((
                    select max(g.user_slot) from coursegen.generations g
                    where g.user_id = request.user_id and g.user_slot is not null
                ) > user_limit, false);
            if in_force.is_paused then
                outcome := 'paused';
            elsif is_picked_here then
                picked := coursegen.pick_slots(request.user_id, user_limit, system_limit);
                user_active := picked.user_active;
                system_active := picked.system_active;
                outcome := case
                    when picked.user_slot is null then 'user_full' when picked.system_slot is null then 'system_full'
                end;
                request.user_slot := picked.user_slot;
                request.system_slot := picked.system_slot;
            end if;
        end if;
        if outcome is null then
            first_stage := case
                when coursegen.has_documents(course.generation_progress) then 'DOCUMENT_PROCESSING'
                else 'STRUCTURE_ANALYSIS'
            end;
            if request.retry_of is not null then
                select g.stage into first_stage from coursegen.generations g
                where g.id = request.retry_of and g.course_id = request.course_id and g.status = 'failed';
                outcome := case when not found then 'not_failed' end;
            end if;
        end if;
        if outcome is null then
            insert into coursegen.generations as g (
                id, course_id, user_id, organization_id, tier, priority, user_slot, system_slot, stage, source,
                webhook_url, request_id, idempotency_key, retry_of, traceparent, cancel_value
            ) values (
                request.id, request.course_id, request.user_id, course.organization_id, request.tier, tier.priority,
                request.user_slot, request.system_slot, first_stage, request.source,
                request.webhook_url, request.request_id, request.idempotency_key, request.retry_of, request.traceparent,
                (select m.value from coursegen.status_map m where m.status = 'cancelled')
            )
            on conflict do nothing
            returning g.* into generation;
            outcome := case when found then 'admitted' when p_wait then 'slot_taken' else 'undecided' end;
            if found then
                files_malformed := coalesce(
                    jsonb_typeof(course.generation_progress) <> 'object'
                    or jsonb_typeof(course.generation_progress -> 'files') not in ('array', 'null'),
                    false
                );
                carried := '[]';
                if request.retry_of is not null then
                    select coalesce(jsonb_agg(request.completed_steps -> s::text order by coursegen.stage_step(s)), '[]')
                    into carried
                    from coursegen.carry_over_results(request.retry_of, request.id) s;
                    carried := carried || jsonb_build_object(
                        'lessons_completed',
                        (select count(*) from coursegen.drafts d where d.generation_id = request.id),
                        'lessons_total',
                        (select count(*) from coursegen.lessons l where l.generation_id = request.id)
                    );
                end if;
                perform coursegen.write_course(request.course_id, jsonb_build_array(
                    '{"reset": true}'::jsonb,
                    jsonb_build_object(
                        'step', 1, 'status', 'completed', 'message', request.message,
                        'metadata', jsonb_build_object(
                            'job_id', request.id, 'tier', request.tier, 'request_id', request.request_id
                        )
                    )
                ) || carried, request.status);
                if request.idempotency_key is not null then
                    insert into coursegen.idempotency_keys as k (user_id, key, fingerprint, generation_id)
                    values (request.user_id, request.idempotency_key, decode(request.fingerprint, 'hex'), request.id)
                    on conflict (user_id, key) do update
                    set fingerprint = excluded.fingerprint, generation_id = excluded.generation_id,
                        created_at = excluded.created_at;
                end if;
                if request.webhook_url is not null then
                    perform coursegen.announce(request.id, request.status, null);
                end if;
                if request.actor is not null then
                    insert into coursegen.audit (actor, action, generation_id, course_id, reason, details)
                    values (
                        request.actor, case when request.retry_of is null then 'start' else 'retry' end,
                        request.id, request.course_id, request.reason, jsonb_build_object('retry_of', request.retry_of)
                    );
                end if;
                jobs := jobs || coursegen.stage_job(generation);
            end if;
        end if;
        return next;
    end loop;
    if cardinality(jobs) > 0 then
        perform procrastinate_defer_jobs_v1(jobs);
    end if;
end
$$;

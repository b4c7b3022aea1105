--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: coursegen; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA coursegen;

--
-- Name: attempt_outcome; Type: TYPE; Schema: coursegen; Owner: -
--

CREATE TYPE coursegen.attempt_outcome AS ENUM (
    'completed',
    'failed',
    'timeout',
    'died',
    'shutdown',
    'interrupted',
    'superseded',
    'paused'
);

--
-- Name: generation_status; Type: TYPE; Schema: coursegen; Owner: -
--

CREATE TYPE coursegen.generation_status AS ENUM (
    'waiting',
    'queued',
    'running',
    'awaiting_approval',
    'completed',
    'failed',
    'cancelled'
);

--
-- Name: stage; Type: TYPE; Schema: coursegen; Owner: -
--

CREATE TYPE coursegen.stage AS ENUM (
    'DOCUMENT_PROCESSING',
    'STRUCTURE_ANALYSIS',
    'STRUCTURE_GENERATION',
    'TEXT_GENERATION',
    'FINALIZATION'
);

--
-- Name: tier; Type: TYPE; Schema: coursegen; Owner: -
--

CREATE TYPE coursegen.tier AS ENUM (
    'FREE',
    'BASIC',
    'STANDARD',
    'TRIAL',
    'PREMIUM'
);

--
-- Name: webhook_delivery_state; Type: TYPE; Schema: coursegen; Owner: -
--

CREATE TYPE coursegen.webhook_delivery_state AS ENUM (
    'pending',
    'delivered',
    'given_up',
    'gone'
);

--
-- Name: metric_event_type; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.metric_event_type AS ENUM (
    'job_rollback',
    'orphaned_job_recovery',
    'concurrency_limit_hit',
    'worker_timeout',
    'rpc_retry_exhausted',
    'duplicate_job_detected'
);

--
-- Name: metric_severity; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.metric_severity AS ENUM (
    'info',
    'warn',
    'error',
    'fatal'
);

--
-- Name: procrastinate_job_event_type; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.procrastinate_job_event_type AS ENUM (
    'deferred',
    'started',
    'deferred_for_retry',
    'failed',
    'succeeded',
    'cancelled',
    'abort_requested',
    'aborted',
    'scheduled',
    'retried'
);

--
-- Name: procrastinate_job_status; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.procrastinate_job_status AS ENUM (
    'todo',
    'doing',
    'succeeded',
    'failed',
    'cancelled',
    'aborting',
    'aborted'
);

--
-- Name: procrastinate_job_to_defer_v1; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.procrastinate_job_to_defer_v1 AS (
	queue_name character varying,
	task_name character varying,
	priority integer,
	lock text,
	queueing_lock text,
	args jsonb,
	scheduled_at timestamp with time zone
);

--
-- Name: add_result_metadata(uuid, text, json, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.add_result_metadata(p_generation_id uuid, p_stage text, p_result json, p_changes jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
declare
    described constant jsonb := case p_stage
        when 'DOCUMENT_PROCESSING' then jsonb_build_object('documents', coursegen.unread_documents(p_generation_id))
        when 'STRUCTURE_GENERATION' then jsonb_build_object('outline', case
            when json_typeof(p_result -> 'notes') = 'array' and json_array_length(p_result -> 'notes') > 0
                then jsonb_build_object('notes', p_result -> 'notes')
        end)
    end;
begin
    if described is null or jsonb_strip_nulls(described) = '{}' then
        return p_changes;
    end if;
    return jsonb_set(p_changes, '{0,metadata}', coalesce(p_changes #> '{0,metadata}', '{}') || described);
end
$$;

--
-- Name: admit_generations_v1(jsonb, boolean); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.admit_generations_v1(p_requests jsonb, p_wait boolean) RETURNS TABLE(id uuid, outcome text, generation_id uuid, files_malformed boolean, user_active integer, system_active integer)
    LANGUAGE sql
    AS $$
    select
        id, case outcome when 'paused' then 'system_full' else outcome end, generation_id, files_malformed,
        case outcome when 'paused' then 0 else user_active end,
        case outcome when 'paused' then system_limit else system_active end
    from coursegen.admit_generations_v2(p_requests, p_wait)
$$;

--
-- Name: admit_generations_v2(jsonb, boolean); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.admit_generations_v2(p_requests jsonb, p_wait boolean) RETURNS TABLE(id uuid, outcome text, generation_id uuid, files_malformed boolean, user_active integer, system_active integer, user_limit integer, system_limit integer)
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: age_generations_v1(double precision, integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.age_generations_v1(p_span_s double precision, p_batch integer) RETURNS TABLE(generation_id uuid, priority integer, waited_s double precision)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    span_s constant float := coalesce((select c.value from coursegen.controls c where c.name = 'aging'), p_span_s);
    aged record;
begin
    if coalesce(span_s, 0) <= 0 then
        return;
    end if;
    for aged in select * from coursegen.list_aging_v1(span_s) limit p_batch loop
        perform from coursegen.generations g
        where g.id = aged.generation_id and g.priority = aged.priority and g.status = 'queued' and g.started_at is null
        for no key update skip locked;
        continue when not found;
        continue when (select outcome from coursegen.set_priority_v1(aged.generation_id, aged.aged_priority)) <> 'set';
        perform coursegen.record_own_event('priority_raised', 'info', aged.generation_id, jsonb_build_object(
            'from', aged.priority, 'to', aged.aged_priority, 'waited_s', round(aged.waited_s)
        ));
        return query select aged.generation_id, aged.aged_priority, aged.waited_s;
    end loop;
end
$$;

--
-- Name: aged_priority(coursegen.tier, double precision, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.aged_priority(p_tier coursegen.tier, p_waited_s double precision, p_span_s double precision) RETURNS integer
    LANGUAGE sql STABLE
    AS $$
    select greatest(own.priority, (
        select max(higher.priority)
        from (
            select distinct t.priority from coursegen.tiers t
            where t.priority > own.priority
            order by t.priority
            limit least(floor(p_waited_s / p_span_s), 100)::int
        ) higher
    ))
    from coursegen.tiers own
    where own.tier = p_tier
$$;

--
-- Name: announce(uuid, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.announce(p_generation_id uuid, p_status text, p_error text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
begin
    insert into coursegen.webhook_deliveries (
        generation_id, seq, status, step, percentage, message, error, state, finished_at
    )
    select
        generation.id,
        coalesce(last.seq, 0) + 1,
        p_status,
        coalesce(course.step, last.step, 1),
        coalesce(course.percentage, last.percentage, 0),
        course.message,
        p_error,
        case when last.state = 'gone' then 'gone' else 'pending' end::coursegen.webhook_delivery_state,
        case when last.state = 'gone' then now() end
    from coursegen.generations generation
    cross join lateral (
        select
            substring(c.generation_progress ->> 'current_step' from '^[1-5]$')::integer as step,
            substring(c.generation_progress ->> 'percentage' from '^[0-9]{1,3}$')::integer as percentage,
            left(coalesce(c.generation_progress ->> 'message', ''), 1000) as message
        from public.courses c
        where c.id = generation.course_id
    ) course
    left join lateral (
        select * from coursegen.webhook_deliveries d where d.generation_id = generation.id order by d.seq desc limit 1
    ) last on true
    where generation.id = p_generation_id
        and (last.status, last.step, last.percentage, last.message, last.error)
            is distinct from (p_status, course.step, course.percentage, course.message, p_error);
    perform coursegen.skip_refused(p_generation_id);
    perform coursegen.schedule_delivery(p_generation_id);
end
$_$;

--
-- Name: begin_stage_v1(uuid, integer, bigint, jsonb, text, text[], jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.begin_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_change jsonb, p_status text, p_needs text[], p_first_change jsonb) RETURNS TABLE(outcome text, recovered boolean, input json)
    LANGUAGE plpgsql
    AS $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if not coursegen.holds_fence_v1(generation, p_fence) then
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
        return next;
        return;
    end if;
    recovered := (
        select c.generation_progress #>> '{steps,0,status}' is distinct from 'completed'
        from public.courses c where c.id = generation.course_id
    );
    if generation.status <> 'running' or generation.started_at is null or generation.paused_until is not null then
        update coursegen.generations g
        set status = 'running', started_at = coalesce(g.started_at, now()), paused_until = null, paused_why = null
        where g.id = p_generation_id;
    end if;
    perform coursegen.write_course(
        generation.course_id,
        case when recovered then jsonb_build_array(p_first_change) else '[]' end
        || p_change
        -- The message of the pause goes; the step has not changed.
        || case
            when generation.paused_until is null then '[]'
            else jsonb_build_array(jsonb_build_object('message', p_change -> 'message'))
        end,
        p_status
    );
    if recovered then
        perform coursegen.record_event(generation, 'orphaned_job_recovery', 'warn');
    end if;
    if generation.webhook_url is not null then
        perform coursegen.announce(p_generation_id, p_status, null);
    end if;
    outcome := 'begun';
    input := coursegen.read_stage_input(generation, p_needs);
    return next;
end
$$;

--
-- Name: blank_course_steps(boolean); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.blank_course_steps(p_has_documents boolean) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    -- One literal: it is parsed once a plan.
    select jsonb_set(
        '[
            {"id": 1, "name": "Запуск генерации", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null},
            {"id": 2, "name": "Анализ задачи", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null},
            {"id": 3, "name": "Генерация структуры", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null},
            {"id": 4, "name": "Создание контента", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null},
            {"id": 5, "name": "Финализация", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null}
        ]'::jsonb,
        '{1,name}',
        case when p_has_documents then '"Обработка документов"'::jsonb else '"Анализ задачи"'::jsonb end
    )
$$;

--
-- Name: cancel_delivery_job(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.cancel_delivery_job(p_generation_id uuid) RETURNS void
    LANGUAGE sql
    AS $$
    select procrastinate_cancel_job_v1(j.id, false, false)
    from procrastinate_jobs j
    where j.status = 'todo' and j.queueing_lock = 'webhook:' || p_generation_id
$$;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: generations; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.generations (
    id uuid NOT NULL,
    course_id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid,
    tier coursegen.tier NOT NULL,
    priority integer NOT NULL,
    user_slot integer,
    system_slot integer,
    stage coursegen.stage NOT NULL,
    fence integer DEFAULT 1 NOT NULL,
    status coursegen.generation_status DEFAULT 'queued'::coursegen.generation_status NOT NULL,
    paused_until timestamp with time zone,
    paused_why text,
    source text NOT NULL,
    webhook_url text,
    request_id text,
    idempotency_key text,
    retry_of uuid,
    ended_by text,
    error_message text,
    error_details jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    cancel_value text DEFAULT 'cancelled'::text,
    traceparent text,
    CONSTRAINT generations_fence_check CHECK ((fence >= 1)),
    CONSTRAINT generations_finished_iff_final CHECK (((finished_at IS NOT NULL) = (status = ANY (ARRAY['completed'::coursegen.generation_status, 'failed'::coursegen.generation_status, 'cancelled'::coursegen.generation_status])))),
    CONSTRAINT generations_paused_while_running CHECK ((((paused_until IS NULL) = (paused_why IS NULL)) AND ((paused_until IS NULL) OR (status = 'running'::coursegen.generation_status)))),
    CONSTRAINT generations_slots_by_status CHECK (
CASE status
    WHEN 'queued'::coursegen.generation_status THEN ((user_slot IS NOT NULL) AND (system_slot IS NOT NULL))
    WHEN 'running'::coursegen.generation_status THEN ((user_slot IS NOT NULL) AND ((system_slot IS NOT NULL) OR (paused_until IS NOT NULL)))
    WHEN 'awaiting_approval'::coursegen.generation_status THEN ((user_slot IS NOT NULL) AND (system_slot IS NULL))
    WHEN 'waiting'::coursegen.generation_status THEN (system_slot IS NULL)
    ELSE ((user_slot IS NULL) AND (system_slot IS NULL))
END),
    CONSTRAINT generations_system_slot_check CHECK ((system_slot >= 1)),
    CONSTRAINT generations_user_slot_check CHECK ((user_slot >= 1))
)
WITH (fillfactor='80');

--
-- Name: cancel_generation(coursegen.generations, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.cancel_generation(g coursegen.generations, p_message text, p_ended_by text) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    refused text;
begin
    refused := coursegen.end_generation(
        g.id, 'cancelled',
        jsonb_build_array(
            jsonb_build_object('step', coursegen.stage_step(g.stage), 'status', 'pending'),
            jsonb_build_object('message', p_message)
        ),
        p_ended_by
    );
    perform procrastinate_cancel_job_v1(job.id, true, false)
    from (
        select j.id from procrastinate_jobs j where j.queueing_lock = g.id::text and j.status = 'todo'
        union
        select a.job_id from coursegen.attempts a where a.generation_id = g.id and a.outcome is null
    ) job;
    return refused;
end
$$;

--
-- Name: cancel_generation_v1(uuid, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.cancel_generation_v1(p_course_id uuid, p_message text, p_ended_by text) RETURNS TABLE(outcome text, generation_id uuid, user_id uuid, refused text)
    LANGUAGE plpgsql
    AS $$
declare
    generation coursegen.generations;
begin
    perform from public.courses c where c.id = p_course_id for no key update;
    outcome := case when found then 'not_active' else 'not_found' end;
    select g.* into generation from coursegen.generations g
    where g.course_id = p_course_id and g.finished_at is null
    for no key update;
    if found then
        outcome := 'cancelled';
        generation_id := generation.id;
        user_id := generation.user_id;
        refused := coursegen.cancel_generation(generation, p_message, p_ended_by);
    end if;
    return next;
end
$$;

--
-- Name: carry_over_results(uuid, uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.carry_over_results(p_failed_id uuid, p_generation_id uuid) RETURNS SETOF coursegen.stage
    LANGUAGE plpgsql
    AS $$
begin
    insert into coursegen.documents (generation_id, position, file_id, name, mime_type, body, headings, error, title, fault)
    select p_generation_id, position, file_id, name, mime_type, body, headings, error, title, fault
    from coursegen.documents where generation_id = p_failed_id;
    insert into coursegen.briefs (generation_id, brief)
    select p_generation_id, brief from coursegen.briefs where generation_id = p_failed_id;
    insert into coursegen.sections (generation_id, number, title)
    select p_generation_id, number, title from coursegen.sections where generation_id = p_failed_id;
    insert into coursegen.lessons (generation_id, number, section_number, title, goals, sources)
    select p_generation_id, number, section_number, title, goals, sources
    from coursegen.lessons where generation_id = p_failed_id;
    insert into coursegen.drafts (generation_id, lesson_number, body)
    select p_generation_id, lesson_number, body from coursegen.drafts where generation_id = p_failed_id;
    return query
        insert into coursegen.stage_results (generation_id, stage, attempt_id, finished_at)
        select p_generation_id, r.stage, r.attempt_id, r.finished_at
        from coursegen.stage_results r where r.generation_id = p_failed_id
        returning stage_results.stage;
end
$$;

--
-- Name: changed_progress(jsonb, jsonb, timestamp with time zone); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.changed_progress(p_progress jsonb, p_changes jsonb, p_now timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    now_text constant text := to_char(p_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
    resets constant boolean := p_changes -> 0 ? 'reset';
    progress jsonb := case
        when resets and jsonb_typeof(p_progress) = 'object' then p_progress
        when resets then '{}'
        when coursegen.is_malformed_progress(p_progress) then coursegen.whole_progress(p_progress)
        else p_progress
    end;
    steps jsonb := case
        when resets then coursegen.blank_course_steps(coursegen.has_documents(progress)) else progress -> 'steps'
    end;
    changed jsonb := case when resets then jsonb_build_object(
        'has_documents', coursegen.has_documents(progress), 'message', 'Генерация поставлена в очередь',
        'lessons_completed', 0, 'lessons_total', 0, 'metadata', '{}'::jsonb
    ) end;
    change jsonb;
    number int;
    status text;
    step jsonb;
begin
    for change in select c.value from jsonb_array_elements(p_changes) c loop
        if change ? 'step' then
            number := (change ->> 'step')::int;
            status := change ->> 'status';
            step := steps -> (number - 1);
            continue when ((step ->> 'status', status) in (
                ('pending', 'in_progress'), ('pending', 'completed'), ('pending', 'failed'),
                ('in_progress', 'completed'), ('in_progress', 'failed'), ('in_progress', 'pending'),
                ('failed', 'in_progress'), ('failed', 'pending')
            )) is not true;
            steps := jsonb_set(steps, array[(number - 1)::text], step || jsonb_build_object(
                'status', status,
                'started_at', case
                    when status = 'pending' then null
                    when step ->> 'status' = 'pending' then now_text
                    else coalesce(step ->> 'started_at', now_text)
                end,
                'completed_at', case when status in ('completed', 'failed') then now_text end,
                'error', case when status = 'failed' then change ->> 'error' end,
                'error_details', case when status = 'failed' then change -> 'error_details' end
            ));
            changed := coalesce(changed, '{}');
            -- The message is that of the furthest step.
            if change ->> 'message' is not null and coursegen.furthest_step(steps) <= number then
                changed := changed || jsonb_build_object('message', change -> 'message');
            end if;
            if jsonb_typeof(change -> 'metadata') = 'object' then
                changed := changed || jsonb_build_object('metadata', case
                    when jsonb_typeof((progress || changed) -> 'metadata') = 'object'
                        then (progress || changed) -> 'metadata'
                    else '{}'
                end || (change -> 'metadata'));
            end if;
        elsif change ?| array['lessons_total', 'message'] then
            changed := coalesce(changed, '{}') || change;
        end if;
    end loop;
    if changed is null then
        return progress;
    end if;
    return coursegen.whole_progress(progress || changed || jsonb_build_object('steps', steps));
end
$$;

--
-- Name: claim_alert_v1(double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.claim_alert_v1(p_hold_s double precision) RETURNS TABLE(finding text, event text, details jsonb, began_at timestamp with time zone, ended_at timestamp with time zone, failures integer, held_until timestamp with time zone)
    LANGUAGE sql
    AS $$
    update coursegen.alerts a
    set held_until = now() + make_interval(secs => p_hold_s)
    where a.finding = (
        select due.finding from coursegen.alerts due
        where (due.state = 'over' or due.state = 'lasting' and not due.is_told)
            and due.due_at <= now() and coalesce(due.held_until, '-infinity') <= now()
        order by due.began_at
        limit 1
        for update skip locked
    )
    returning
        a.finding, case a.state when 'over' then 'end' else 'begin' end, a.details, a.began_at, a.ended_at, a.failures,
        a.held_until
$$;

--
-- Name: claim_delivery_v1(uuid, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.claim_delivery_v1(p_generation_id uuid, p_hold_s double precision) RETURNS TABLE(outcome text, course_id uuid, url text, seq integer, status text, step integer, percentage integer, message text, error text, failures integer, left_s double precision, held_until timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
declare
    generation coursegen.generations;
begin
    select g.* into generation from coursegen.generations g where g.id = p_generation_id for no key update;
    return query
    update coursegen.webhook_deliveries d
    set held_until = now() + make_interval(secs => p_hold_s)
    where d.generation_id = p_generation_id and d.state = 'pending'
        and d.seq = (
            select min(p.seq) from coursegen.webhook_deliveries p
            where p.generation_id = p_generation_id and p.state = 'pending'
        )
        and d.due_at <= now() and coalesce(d.held_until, '-infinity') <= now()
    returning
        'claimed', generation.course_id, generation.webhook_url, d.seq, d.status, d.step, d.percentage, d.message, d.error,
        d.failures, extract(epoch from d.give_up_at - now())::float, d.held_until;
    if not found then
        perform coursegen.schedule_delivery(p_generation_id);
        outcome := 'none';
        return next;
    end if;
end
$$;

--
-- Name: claim_delivery_v2(uuid, double precision, integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.claim_delivery_v2(p_generation_id uuid, p_hold_s double precision, p_share integer) RETURNS TABLE(outcome text, generation_id uuid, message_id text, course_id uuid, url text, seq integer, status text, step integer, percentage integer, message text, error text, failures integer, left_s double precision, held_until timestamp with time zone)
    LANGUAGE sql
    AS $$
    select
        c.outcome, c.generation_id, c.message_id, c.course_id, c.url, c.seq, c.status, c.step, c.percentage, c.message,
        c.error, c.failures, c.left_s, c.held_until
    from coursegen.claim_delivery_v3(p_generation_id, p_hold_s, p_share) c
$$;

--
-- Name: claim_delivery_v3(uuid, double precision, integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.claim_delivery_v3(p_generation_id uuid, p_hold_s double precision, p_share integer) RETURNS TABLE(outcome text, generation_id uuid, message_id text, course_id uuid, url text, seq integer, status text, step integer, percentage integer, message text, error text, failures integer, left_s double precision, held_until timestamp with time zone, documents jsonb)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    own_due timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('coursegen'), hashtext('webhooks'));  -- a claim counts the earlier ones
    return query
    with next as (
        select head.*
        from coursegen.list_webhook_heads_v1() head
        where head.due_at <= now() and coalesce(head.held_until, '-infinity') <= now()
            and head.senders_of_user < p_share and head.senders_of_host < p_share and head.senders_of_both = 0
        order by
            head.senders_of_user, head.turn nulls first, head.failures > 0, head.due_at, head.generation_id
        limit 1
    ),
    turn as (
        insert into coursegen.webhook_turns (user_id, at) select next.user_id, now() from next
        on conflict (user_id) do update set at = excluded.at
    )
    update coursegen.webhook_deliveries d
    set held_until = now() + make_interval(secs => p_hold_s)
    from next
    where d.generation_id = next.generation_id and d.seq = next.seq and d.state = 'pending'
        and coalesce(d.held_until, '-infinity') <= now()  -- again: a worker of an earlier release may have been faster
    returning
        'claimed', d.generation_id, coalesce(d.id::text, d.generation_id || '-' || d.seq), next.course_id,
        next.url, d.seq, d.status, d.step, d.percentage, d.message, d.error, d.failures,
        extract(epoch from d.give_up_at - now())::float, d.held_until,
        case when d.percentage >= 40 then coursegen.unread_documents(d.generation_id) end;
    if not found then
        perform from coursegen.generations g where g.id = p_generation_id for no key update;
        select d.due_at into own_due
        from coursegen.webhook_deliveries d
        where d.generation_id = p_generation_id and d.state = 'pending'
        order by d.seq limit 1;
        if own_due > now() then
            perform coursegen.schedule_delivery(p_generation_id);
        end if;
        outcome := 'none';
        return next;
    end if;
end
$$;

--
-- Name: claim_idempotency_key(uuid, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.claim_idempotency_key(p_user_id uuid, p_key text, p_fingerprint text, OUT outcome text, OUT generation_id uuid) RETURNS record
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: close_attempt(bigint, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.close_attempt(p_attempt_id bigint, p_outcome text, p_error text DEFAULT NULL::text) RETURNS void
    LANGUAGE sql
    AS $$
    select coursegen.close_attempt_v1(p_attempt_id, p_outcome, p_error)
$$;

--
-- Name: close_attempt_v1(bigint, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.close_attempt_v1(p_attempt_id bigint, p_outcome text, p_error text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    update coursegen.attempts
    set outcome = p_outcome::coursegen.attempt_outcome, error = p_error, finished_at = now()
    where id = p_attempt_id and (outcome is null or outcome = 'died');
end
$$;

--
-- Name: complete_stage_v1(uuid, integer, text, bigint, bigint, text, json, jsonb, text, jsonb, boolean); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.complete_stage_v1(p_generation_id uuid, p_fence integer, p_stage text, p_attempt_id bigint, p_job_id bigint, p_worker text, p_result json, p_changes jsonb, p_status text, p_next jsonb, p_continue boolean) RETURNS TABLE(outcome text, attempt_id bigint, input json)
    LANGUAGE plpgsql
    AS $$
declare
    generation coursegen.generations := coursegen.lock_generation(p_generation_id);
    has_webhook constant boolean := generation.webhook_url is not null;
begin
    if not coursegen.holds_fence_v1(generation, p_fence) or generation.stage::text <> p_stage then
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
        return next;
        return;
    end if;
    -- The guard of "once": a second result of the stage violates the key.
    insert into coursegen.stage_results (generation_id, stage, attempt_id)
    values (p_generation_id, generation.stage, p_attempt_id);
    perform coursegen.store_stage_result(p_generation_id, p_stage, p_result);
    p_changes := coursegen.add_result_metadata(p_generation_id, p_stage, p_result, p_changes);
    perform coursegen.close_attempt_v1(p_attempt_id, 'completed');

    if p_next is null then
        outcome := 'completed';
        perform coursegen.end_generation(p_generation_id, 'completed', p_changes);
        return next;
        return;
    end if;

    update coursegen.generations g set stage = (p_next ->> 'stage')::coursegen.stage
    where g.id = p_generation_id
    returning g.* into generation;
    outcome := case when p_continue and exists (
        select from procrastinate_jobs own
        where own.id = p_job_id and own.status = 'doing' and not own.abort_requested and own.lock is null
    ) and not exists (
        select from procrastinate_jobs other
        where other.status = 'todo' and other.queue_name = 'stages' and other.priority > generation.priority
            and (other.scheduled_at is null or other.scheduled_at <= now())
    ) and coursegen.why_stage_waits(generation, (p_next ->> 'at_once')::int) is null then 'continued' else 'queued' end;

    if outcome = 'queued' or has_webhook then
        perform coursegen.write_course(generation.course_id, p_changes);
        p_changes := '[]';
        if has_webhook then
            perform coursegen.announce(p_generation_id, p_status, null);
        end if;
    end if;
    if outcome = 'queued' then
        perform coursegen.requeue_stage(p_generation_id);
    else
        insert into coursegen.attempts as a (generation_id, stage, fence, job_id, worker)
        values (p_generation_id, generation.stage, p_fence, p_job_id, p_worker)
        returning a.id into attempt_id;
        perform coursegen.write_course(generation.course_id, p_changes || (p_next -> 'change'), p_next ->> 'status');
        if has_webhook then
            perform coursegen.announce(p_generation_id, p_next ->> 'status', null);
        end if;
        input := coursegen.read_stage_input(
            generation, array(select jsonb_array_elements_text(p_next -> 'needs'))
        );
    end if;
    return next;
end
$$;

--
-- Name: count_old_stack_v1(); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.count_old_stack_v1() RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
declare
    place constant text := coursegen.old_stack_column();
    active constant text[] := coursegen.old_stack_values();
begin
    -- A branch is parsed when it is first taken, so a table without the other column does no harm.
    if place = 'generation_status' then
        return (
            select count(*) from public.courses c
            where c.generation_status::text = any (active) and coursegen.is_with_old_stack(c.id)
                and not exists (select from coursegen.generations g where g.course_id = c.id and g.finished_at is null)
        );
    elsif place = 'status' then
        return (
            select count(*) from public.courses c
            where c.status::text = any (active) and coursegen.is_with_old_stack(c.id)
                and not exists (select from coursegen.generations g where g.course_id = c.id and g.finished_at is null)
        );
    end if;
    return 0;
end
$$;

--
-- Name: count_start_v1(uuid, integer, bigint, text, jsonb, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.count_start_v1(p_generation_id uuid, p_fence integer, p_job_id bigint, p_worker text, p_stages jsonb, p_exhausted text) RETURNS TABLE(outcome text, attempt_id bigint, stage text, course_id uuid, tier text, priority integer, refused text)
    LANGUAGE plpgsql
    AS $$
declare
    waits text;
    wait_s float;
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if not coursegen.holds_fence_v1(generation, p_fence) then
        outcome := 'superseded';
        return next;
        return;
    end if;
    stage := generation.stage;
    course_id := generation.course_id;
    tier := generation.tier;
    priority := generation.priority;
    update coursegen.attempts a set outcome = 'interrupted', finished_at = now()
    where a.job_id = p_job_id and a.outcome is null;
    if coursegen.count_starts(p_generation_id, generation.stage) >= (p_stages -> stage ->> 'most_starts')::int then
        outcome := 'exhausted';
        refused := coursegen.fail_generation(
            generation, p_stages -> stage ->> 'failed', p_exhausted, jsonb_build_object('stage', generation.stage)
        );
        return next;
        return;
    end if;
    waits := coursegen.why_stage_waits(generation, (p_stages -> stage ->> 'at_once')::int);
    if waits is null then
        outcome := 'counted';
        insert into coursegen.attempts as a (generation_id, stage, fence, job_id, worker)
        values (p_generation_id, generation.stage, p_fence, p_job_id, p_worker)
        returning a.id into attempt_id;
    else
        outcome := 'full';
        wait_s := coalesce((p_stages -> stage ->> 'full_s')::float, 5);  -- an earlier release does not name it
        update coursegen.generations g
        set paused_why = waits, paused_until = now() + make_interval(secs => wait_s)
        where g.id = p_generation_id and g.status = 'running';
        if waits = 'stage_paused' then
            perform coursegen.write_course(
                generation.course_id,
                jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('message', p_stages -> stage -> 'waiting')))
            );
        end if;
        perform coursegen.requeue_stage(
            p_generation_id, wait_s, (select j.lock from procrastinate_jobs j where j.id = p_job_id)
        );
    end if;
    return next;
end
$$;

--
-- Name: count_starts(uuid, coursegen.stage); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.count_starts(p_generation_id uuid, p_stage coursegen.stage) RETURNS integer
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return (
        select count(*)::int from coursegen.attempts
        where generation_id = p_generation_id and stage = p_stage
            and (outcome is null or outcome in ('failed', 'timeout', 'died'))
    );
end
$$;

--
-- Name: course_files(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.course_files(p_course_id uuid) RETURNS TABLE(id text, name text, path text, mime_type text)
    LANGUAGE sql STABLE
    AS $$select * from coursegen.platform_files(p_course_id)$$;

--
-- Name: courses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.courses (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    slug text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    organization_id uuid,
    language text,
    style text,
    course_description text,
    target_audience text,
    difficulty text,
    lesson_duration_minutes integer,
    learning_outcomes jsonb,
    estimated_lessons integer,
    estimated_sections integer,
    content_strategy text,
    output_formats jsonb,
    generation_progress jsonb,
    status text,
    generation_started_at timestamp with time zone,
    generation_completed_at timestamp with time zone,
    last_progress_update timestamp with time zone,
    webhook_url text,
    error_message text,
    error_details jsonb
)
WITH (fillfactor='80');

--
-- Name: course_generation_status(public.courses); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.course_generation_status(c public.courses) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    select coursegen.shown_status_v1(c.id)
$$;

--
-- Name: end_generation(uuid, text, jsonb, text, text, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.end_generation(p_generation_id uuid, p_status text, p_changes jsonb, p_ended_by text DEFAULT NULL::text, p_error text DEFAULT NULL::text, p_error_details jsonb DEFAULT NULL::jsonb) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    generation coursegen.generations;
    refused text;
begin
    update coursegen.generations g
    set status = p_status::coursegen.generation_status, finished_at = now(), user_slot = null, system_slot = null,
        paused_until = null, paused_why = null, ended_by = p_ended_by,
        error_message = p_error, error_details = p_error_details
    where g.id = p_generation_id
    returning g.* into generation;
    if p_status = 'completed' then
        perform coursegen.write_course(generation.course_id, p_changes, p_status);
        perform coursegen.publish_v1(p_generation_id, 'fill');
    else
        for attempt in 1..2 loop
            begin
                perform coursegen.write_course(generation.course_id, p_changes, p_status, p_error, p_error_details);
                refused := null;
                exit;
            exception when others or query_canceled then
                if sqlstate like '53%' then
                    raise;
                end if;
                refused := sqlerrm;
                exit when sqlstate not in ('40001', '40P01', '55P03');
            end;
        end loop;
    end if;
    if generation.webhook_url is not null then
        perform coursegen.announce(p_generation_id, p_status, p_error);
    end if;
    return refused;
end
$$;

--
-- Name: event_type_named_v1(text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.event_type_named_v1(p_name text) RETURNS public.metric_event_type
    LANGUAGE sql STABLE
    AS $$
    select e from unnest(enum_range(null::public.metric_event_type)) e where e::text = p_name
$$;

--
-- Name: fail_generation(coursegen.generations, text, text, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.fail_generation(g coursegen.generations, p_step text, p_error text, p_details jsonb) RETURNS text
    LANGUAGE plpgsql
    AS $$
begin
    return coursegen.end_generation(
        g.id, 'failed',
        jsonb_build_array(jsonb_build_object(
            'step', coursegen.stage_step(g.stage), 'status', 'failed', 'message', p_step,
            'error', p_error, 'error_details', p_details
        )),
        null, p_error, p_details
    );
end
$$;

--
-- Name: fail_or_retry_stage_v1(uuid, integer, bigint, text, text, boolean, integer, double precision, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.fail_or_retry_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_outcome text, p_error text, p_final boolean, p_most_starts integer, p_backoff_s double precision, p_step text, p_message text) RETURNS TABLE(outcome text, refused text)
    LANGUAGE plpgsql
    AS $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
    starts int;
begin
    if not coursegen.holds_fence_v1(generation, p_fence) then
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
        return next;
        return;
    end if;
    perform coursegen.close_attempt_v1(p_attempt_id, p_outcome, p_error);
    if p_outcome = 'timeout' then
        perform coursegen.record_event(generation, 'worker_timeout', 'error');
    end if;
    starts := coursegen.count_starts(p_generation_id, generation.stage);
    if p_final or starts >= p_most_starts then
        outcome := 'failed';
        refused := coursegen.fail_generation(generation, p_step, p_message, jsonb_build_object(
            'stage', generation.stage, 'starts', starts, 'outcome', p_outcome
        ));
    else
        outcome := 'retried';
        perform coursegen.requeue_stage(p_generation_id, p_backoff_s * 2 ^ (starts - 1));
    end if;
    return next;
end
$$;

--
-- Name: failure_cause_v1(coursegen.generations); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.failure_cause_v1(generation coursegen.generations) RETURNS TABLE(cause text, error text, id text)
    LANGUAGE sql STABLE
    AS $$
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

--
-- Name: find_unit_v1(uuid, integer, text, text, bytea); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.find_unit_v1(p_generation_id uuid, p_fence integer, p_stage text, p_unit text, p_hash bytea) RETURNS TABLE(outcome text, result json)
    LANGUAGE plpgsql
    AS $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if not coursegen.holds_fence_v1(generation, p_fence) or generation.stage::text <> p_stage then
        outcome := 'superseded';
    else
        update coursegen.units u set used_at = now()
        where u.course_id = generation.course_id and u.stage = generation.stage and u.unit = p_unit and u.hash = p_hash
        returning u.result into result;
        outcome := case when found then 'found' else 'missing' end;
    end if;
    return next;
end
$$;

--
-- Name: finish_alert_v1(text, timestamp with time zone, text, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.finish_alert_v1(p_finding text, p_held_until timestamp with time zone, p_event text, p_wait_s double precision) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if p_wait_s is null then
        delete from coursegen.alerts a
        where a.finding = p_finding and a.held_until = p_held_until and a.state = 'over' and p_event = 'end';
    end if;
    update coursegen.alerts a
    set held_until = null,
        began_at = case when p_wait_s is null and p_event = 'end' then now() else a.began_at end,
        is_told = case when p_wait_s is null then p_event = 'begin' else a.is_told end,
        failures = case when p_wait_s is null then 0 else a.failures + 1 end,
        due_at = case when p_wait_s is null then now() else now() + make_interval(secs => p_wait_s) end
    where a.finding = p_finding and a.held_until = p_held_until;
end
$$;

--
-- Name: finish_delivery_v1(uuid, integer, timestamp with time zone, text, double precision, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.finish_delivery_v1(p_generation_id uuid, p_seq integer, p_held_until timestamp with time zone, p_state text, p_wait_s double precision, p_attempt jsonb) RETURNS TABLE(outcome text)
    LANGUAGE plpgsql
    AS $$
begin
    perform from coursegen.generations g where g.id = p_generation_id for no key update;
    update coursegen.webhook_deliveries d
    set state = p_state::coursegen.webhook_delivery_state, held_until = null,
        finished_at = case when p_state <> 'pending' then now() end,
        due_at = coalesce(now() + make_interval(secs => p_wait_s), d.due_at),
        failures = d.failures + (p_attempt is not null and p_state <> 'delivered')::int
    where d.generation_id = p_generation_id and d.seq = p_seq and d.state = 'pending' and d.held_until = p_held_until;
    if not found then
        outcome := 'claim_lost';
        return next;
        return;
    end if;
    if p_attempt is not null then
        insert into coursegen.webhook_attempts (generation_id, seq, ms, status, error, excerpt)
        select p_generation_id, p_seq, a.ms, a.status, a.error, a.excerpt
        from jsonb_to_record(p_attempt) as a (ms int, status int, error text, excerpt text);
    end if;
    if p_state = 'gone' then
        update coursegen.webhook_deliveries d set state = 'gone', finished_at = now(), held_until = null
        where d.generation_id = p_generation_id and d.state = 'pending';
    end if;
    outcome := case when coursegen.skip_refused(p_generation_id) then 'given_up' else p_state end;
    perform coursegen.schedule_delivery(p_generation_id);
    return next;
end
$$;

--
-- Name: furthest_step(jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.furthest_step(p_steps jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case
        when p_steps #>> '{4,status}' <> 'pending' then 5
        when p_steps #>> '{3,status}' <> 'pending' then 4
        when p_steps #>> '{2,status}' <> 'pending' then 3
        when p_steps #>> '{1,status}' <> 'pending' then 2
        else 1
    end
$$;

--
-- Name: generation_jobs(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.generation_jobs(p_generation_id uuid) RETURNS SETOF bigint
    LANGUAGE sql STABLE
    AS $$
    select coursegen.generation_jobs_v1(p_generation_id)
$$;

--
-- Name: generation_jobs_v1(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.generation_jobs_v1(p_generation_id uuid) RETURNS SETOF bigint
    LANGUAGE sql STABLE
    AS $$
    select id from procrastinate_jobs where status = 'todo' and queueing_lock = p_generation_id::text
    union all
    select id from procrastinate_jobs
    where status = 'doing' and queue_name = 'stages' and args ->> 'generation_id' = p_generation_id::text
$$;

--
-- Name: hand_back_stage_v1(uuid, integer, bigint, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.hand_back_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_outcome text) RETURNS TABLE(outcome text)
    LANGUAGE plpgsql
    AS $$
begin
    if coursegen.holds_fence_v1(coursegen.lock_generation(p_generation_id), p_fence) then
        outcome := 'handed_back';
        perform coursegen.close_attempt_v1(p_attempt_id, p_outcome);
        perform coursegen.requeue_stage(p_generation_id, 0, (
            select j.lock from coursegen.attempts a join procrastinate_jobs j on j.id = a.job_id where a.id = p_attempt_id
        ));
    else
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
    end if;
    return next;
end
$$;

--
-- Name: has_documents(jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.has_documents(p_progress jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select coalesce(jsonb_typeof(p_progress -> 'files') = 'array' and p_progress -> 'files' <> '[]', false)
$$;

--
-- Name: has_status_history(); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.has_status_history() RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select count(*) = 3 from pg_attribute
    where attrelid = to_regclass('public.generation_status_history') and not attisdropped
        and attname in ('course_id', 'new_status', 'changed_at') and has_column_privilege(attrelid, attnum, 'select')
$$;

--
-- Name: hold_controls(); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.hold_controls() RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform pg_advisory_xact_lock_shared(hashtext('coursegen'), hashtext('controls'));
end
$$;

--
-- Name: holds_fence_v1(coursegen.generations, integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.holds_fence_v1(g coursegen.generations, p_fence integer) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
-- A table without a column generation_status has the variable in its place, which is null.
#variable_conflict use_column
declare
    generation_status constant text := null;
begin
    return coalesce(g.fence = p_fence and g.status in ('queued', 'running'), false) and exists (
        select from public.courses c
        where c.id = g.course_id and c.user_id = g.user_id
            and (coalesce(generation_status::text, c.status::text) = g.cancel_value) is not true
    );
end
$$;

--
-- Name: idle_s_v1(coursegen.generations); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.idle_s_v1(generation coursegen.generations) RETURNS double precision
    LANGUAGE sql STABLE
    AS $$
    select greatest(0, extract(epoch from now() - greatest(
        generation.created_at,
        generation.paused_until,
        (select c.last_progress_update from public.courses c where c.id = generation.course_id),
        (select max(a.started_at) from coursegen.attempts a where a.generation_id = generation.id)
    )))::float
    where generation.finished_at is null
$$;

--
-- Name: insert_events_v1(jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.insert_events_v1(p_events jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    event jsonb;
    refused text[];
begin
    insert into coursegen.written_events (id, "timestamp")
    select (e.value ->> 'id')::uuid, now() from jsonb_array_elements(p_events) e
    on conflict do nothing;
    begin
        insert into public.system_metrics as m (
            id, event_type, severity, user_id, course_id, job_id, metadata, "timestamp"
        )
        select e.id, e.event_type, e.severity, e.user_id, e.course_id, e.job_id, e.metadata,
            clock_timestamp() - make_interval(secs => e.age_s)
        from jsonb_to_recordset(p_events) as e (
            id uuid, event_type public.metric_event_type, severity public.metric_severity, user_id uuid, course_id uuid,
            job_id text, metadata jsonb, age_s double precision
        )
        on conflict (id) do update set metadata = excluded.metadata;
        return;
    exception when foreign_key_violation then
        null;  -- below, each by itself
    end;
    for event in select e.value from jsonb_array_elements(p_events) e loop
        foreach refused slice 1 in array array[['', ''], ['course_id', ''], ['user_id', ''], ['course_id', 'user_id']] loop
            begin
                insert into public.system_metrics as m (
                    id, event_type, severity, user_id, course_id, job_id, metadata, "timestamp"
                )
                select e.id, e.event_type, e.severity, e.user_id, e.course_id, e.job_id,
                    e.metadata || (
                        select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(event)
                        where key = any (refused)
                    ),
                    clock_timestamp() - make_interval(secs => e.age_s)
                from jsonb_to_record(event - refused) as e (
                    id uuid, event_type public.metric_event_type, severity public.metric_severity, user_id uuid,
                    course_id uuid, job_id text, metadata jsonb, age_s double precision
                )
                on conflict (id) do update set metadata = excluded.metadata;
                exit;
            exception when foreign_key_violation then
                null;  -- the next has one id less
            end;
        end loop;
    end loop;
end
$$;

--
-- Name: is_generation_status(text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.is_generation_status(p_status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select coalesce(p_status in (
        'initializing', 'processing_documents', 'analyzing_task', 'generating_structure', 'generating_content',
        'finalizing', 'completed', 'failed', 'cancelled'
    ), false)
$$;

--
-- Name: is_malformed_progress(jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.is_malformed_progress(p_progress jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
    select pg_catalog.jsonb_path_query_array(
        p_progress,
        'strict $.steps ? (@.size() == 5)[*] ? (
            @.status == "pending" || @.status == "in_progress" || @.status == "completed" || @.status == "failed"
        ).id'::jsonpath,
        silent => true
    ) is distinct from '[1, 2, 3, 4, 5]'
$_$;

--
-- Name: procrastinate_jobs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.procrastinate_jobs (
    id bigint NOT NULL,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    lock text,
    queueing_lock text,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    status public.procrastinate_job_status DEFAULT 'todo'::public.procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint,
    CONSTRAINT check_not_todo_abort_requested CHECK ((NOT ((status = 'todo'::public.procrastinate_job_status) AND (abort_requested = true))))
);

--
-- Name: is_orphaned(public.procrastinate_jobs, double precision, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.is_orphaned(job public.procrastinate_jobs, p_stalled_s double precision, p_stages jsonb) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select coursegen.is_orphaned_v1(job, p_stalled_s, p_stages)
$$;

--
-- Name: is_orphaned_v1(public.procrastinate_jobs, double precision, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.is_orphaned_v1(job public.procrastinate_jobs, p_stalled_s double precision, p_stages jsonb) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select job.status = 'doing' and (
        not exists (
            select from procrastinate_workers worker
            where worker.id = job.worker_id and worker.last_heartbeat >= now() - make_interval(secs => p_stalled_s)
        )
        and not exists (
            select from coursegen.attempts attempt
            join coursegen.workers worker
                on worker.process = attempt.worker and worker.started_at <= attempt.started_at
            where job.worker_id is null and attempt.job_id = job.id and attempt.outcome is null
                and worker.last_heartbeat >= now() - make_interval(secs => p_stalled_s)
        )
        or exists (
            select from coursegen.attempts attempt
            where attempt.job_id = job.id and attempt.outcome is null
                and attempt.started_at < now() - make_interval(
                    secs => (p_stages -> attempt.stage::text ->> 'overdue_s')::float
                )
        )
    )
$$;

--
-- Name: is_stage_full(coursegen.generations, integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.is_stage_full(g coursegen.generations, p_at_once integer) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    if p_at_once is null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtext('coursegen.stage ' || g.stage));
    return p_at_once <= (
        -- Not the starts: one of a generation that is over may have been left open.
        select count(distinct o.id) from coursegen.attempts a
        join coursegen.generations o on o.id = a.generation_id and o.stage = a.stage and o.finished_at is null
        where a.outcome is null and a.stage = g.stage and o.id <> g.id
    ) + (
        select count(*) from coursegen.generations o
        where o.paused_why = 'stage_full' and o.stage = g.stage and o.id <> g.id
            -- One that has not come for a while may have no worker.
            and o.paused_until > now() - interval '30 s'
            and (o.priority > g.priority or o.priority = g.priority and o.created_at < g.created_at)
    );
end
$$;

--
-- Name: is_with_old_stack(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.is_with_old_stack(p_course_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    place constant text := coursegen.old_stack_column();
    -- The last write of a generation has the time of its end.
    since constant timestamptz := greatest(
        now() - interval '2 hours',
        (select max(g.finished_at) from coursegen.generations g where g.course_id = p_course_id)
    );
begin
    if place is null
        or coursegen.read_status_value(p_course_id, place) = any (coursegen.old_stack_values()) is not true
    then
        return false;
    end if;
    if exists (select from public.courses c where c.id = p_course_id and c.last_progress_update > since) then
        return true;
    end if;
    if coursegen.has_status_history() then
        return exists (
            select from public.generation_status_history h where h.course_id = p_course_id and h.changed_at > since
        );
    end if;
    return false;
end
$$;

--
-- Name: keep_attempt_log_v1(bigint, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.keep_attempt_log_v1(p_attempt_id bigint, p_lines text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into coursegen.attempt_logs (attempt_id, lines) values (p_attempt_id, p_lines)
    on conflict (attempt_id) do update set lines = excluded.lines;
end
$$;

--
-- Name: keep_process_v1(text, text, text, jsonb, integer, double precision, bigint, bigint, boolean); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.keep_process_v1(p_process text, p_kind text, p_version text, p_settings jsonb, p_places integer, p_cpu_pressure double precision, p_memory_available bigint, p_memory_total bigint, p_is_new boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if p_is_new then
        delete from coursegen.processes where process = p_process;
        delete from coursegen.workers where process = p_process and started_at < now();
    end if;
    insert into coursegen.processes (
        process, kind, version, settings, places, cpu_pressure, memory_available, memory_total
    ) values (
        p_process, p_kind, p_version, p_settings, p_places, p_cpu_pressure, p_memory_available, p_memory_total
    )
    on conflict (process) do update
    set cpu_pressure = excluded.cpu_pressure, memory_available = excluded.memory_available,
        memory_total = excluded.memory_total, seen_at = now();
end
$$;

--
-- Name: keep_worker_v1(bigint, text, text, text, text[], bigint[]); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.keep_worker_v1(p_id bigint, p_process text, p_name text, p_version text, p_queues text[], p_jobs bigint[], OUT outcome text) RETURNS text
    LANGUAGE plpgsql
    AS $$
begin
    update procrastinate_workers set last_heartbeat = now() where id = p_id;
    if found then
        outcome := 'kept';
    else
        outcome := 'restored';
        insert into procrastinate_workers (id, last_heartbeat) overriding system value values (p_id, now());
        update procrastinate_jobs set worker_id = p_id
        where id = any(p_jobs) and status = 'doing' and worker_id is null;
    end if;
    update coursegen.workers set last_heartbeat = now() where id = p_id;
    if not found then
        outcome := 'registered';
        insert into coursegen.workers (id, process, name, version, queues)
        values (p_id, p_process, p_name, p_version, p_queues);
    end if;
end
$$;

--
-- Name: lesson_count(jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.lesson_count(p_value jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case
        when jsonb_typeof(p_value) <> 'number' then '0'
        when p_value::numeric >= 0 and p_value::numeric % 1 = 0 then p_value
        else '0'
    end
$$;

--
-- Name: limit_in_force_v1(integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.limit_in_force_v1(p_limit integer) RETURNS integer
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return coalesce(
        (select c.value from coursegen.controls c where c.name = 'limit'),
        p_limit,
        (select d.value from coursegen.dynamic_limit d),
        3
    );
end
$$;

--
-- Name: list_aging_v1(double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.list_aging_v1(p_span_s double precision) RETURNS TABLE(generation_id uuid, tier coursegen.tier, priority integer, aged_priority integer, waited_s double precision, is_overtaken boolean)
    LANGUAGE sql STABLE
    AS $$
    select
        g.id, g.tier, g.priority, aged.priority, waited.s,
        exists (
            select from coursegen.generations o
            where o.created_at > g.created_at and o.started_at is not null and o.priority > g.priority
        )
    from coursegen.generations g
    cross join lateral (select extract(epoch from now() - g.created_at)::float as s) waited
    cross join lateral (select coursegen.aged_priority(g.tier, waited.s, p_span_s) as priority) aged
    where g.finished_at is null and g.status = 'queued' and g.started_at is null
        and waited.s >= p_span_s and aged.priority > g.priority
        and not exists (select from coursegen.audit a where a.generation_id = g.id and a.action = 'priority')
    order by g.created_at
$$;

--
-- Name: list_blockers_v1(double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.list_blockers_v1(p_open_s double precision) RETURNS TABLE(pid integer, role text, application text, state text, open_s double precision, tables text[], is_strong boolean, waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $_$
    with lock as materialized (
        select l.*, c.oid::regclass::text as table_name
        from pg_locks l
        left join pg_class c on c.oid = l.relation and l.locktype = 'relation' and c.relkind in ('r', 'p') and (
            c.relnamespace = to_regnamespace('coursegen')
            or c.relnamespace = to_regnamespace('public') and c.relname ~ '^(courses|system_metrics|procrastinate_.*)$'
        )
        where l.database = (select d.oid from pg_database d where d.datname = current_database()) or not l.granted
    ),
    held as (
        select l.pid, array_agg(distinct l.table_name) as tables,
            bool_or(l.mode not in ('RowShareLock', 'RowExclusiveLock')) as is_strong
        from lock l
        where l.granted and l.table_name is not null and l.mode not in ('AccessShareLock', 'ShareUpdateExclusiveLock')
        group by l.pid
    ),
    wait as (
        select blocker, count(distinct l.pid) as waiting
        from lock l, unnest(pg_blocking_pids(l.pid)) blocker
        where not l.granted and l.waitstart < clock_timestamp() - interval '1 s'
        group by blocker
    )
    select
        a.pid, a.usename::text, a.application_name, a.state, extract(epoch from clock_timestamp() - a.xact_start)::float,
        held.tables, coalesce(held.is_strong, false), coalesce(wait.waiting, 0)
    from pg_stat_activity a
    left join held on held.pid = a.pid
    left join wait on wait.blocker = a.pid
    where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
        and (
            wait.waiting > 0 or held.pid is not null and extract(epoch from clock_timestamp() - a.xact_start) > p_open_s
            or held.is_strong and a.xact_start is null
        )
        and not exists (select from lock l where l.pid = a.pid and not l.granted)  -- it only waits itself
    order by a.xact_start nulls first
$_$;

--
-- Name: list_old_stack_ends_v1(timestamp with time zone); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.list_old_stack_ends_v1(p_since timestamp with time zone) RETURNS TABLE(course_id uuid, status text, ended_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    place constant text := coursegen.old_stack_column();
    since constant timestamptz := greatest(p_since, now() - interval '90 days');
begin
    if coursegen.has_status_history() then
        return query
            select h.course_id, ended.status, h.changed_at::timestamptz
            from public.generation_status_history h
            cross join
                coursegen.old_stack_end(h.course_id, h.new_status::text, h.changed_at) as ended (status)
            where h.changed_at >= since and ended.status is not null;
    else
        return query
            select c.id, ended.status, written.at
            from public.courses c
            cross join lateral (
                select coalesce(c.last_progress_update, c.generation_completed_at)::timestamptz
            ) written (at)
            cross join
                coursegen.old_stack_end(c.id, coursegen.read_status_value(c.id, place), written.at) as ended (status)
            where place is not null and written.at >= since and ended.status is not null;
    end if;
end
$$;

--
-- Name: list_webhook_heads_v1(); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.list_webhook_heads_v1() RETURNS TABLE(generation_id uuid, seq integer, due_at timestamp with time zone, held_until timestamp with time zone, failures integer, course_id uuid, user_id uuid, url text, turn timestamp with time zone, senders_of_user bigint, senders_of_host bigint, senders_of_both bigint)
    LANGUAGE sql STABLE
    AS $$
    select
        head.generation_id, head.seq, head.due_at, head.held_until, head.failures, head.course_id, head.user_id,
        head.webhook_url, turns.at,
        count(*) filter (where head.held_until > now()) over of_user,
        count(*) filter (where head.held_until > now()) over of_host,
        count(*) filter (where head.held_until > now()) over of_both
    from (
        select first.*, g.course_id, g.user_id, g.webhook_url, coursegen.webhook_host(g.webhook_url) collate "C" as host
        from (
            select distinct on (d.generation_id) d.generation_id, d.seq, d.due_at, d.held_until, d.failures
            from coursegen.webhook_deliveries d
            where d.state = 'pending'
            order by d.generation_id, d.seq
        ) first
        join coursegen.generations g on g.id = first.generation_id
    ) head
    left join coursegen.webhook_turns turns on turns.user_id = head.user_id
    window
        of_user as (partition by head.user_id),
        of_host as (partition by head.host),
        of_both as (partition by head.user_id, head.host)
$$;

--
-- Name: live_places_v1(double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.live_places_v1(p_stalled_s double precision) RETURNS integer
    LANGUAGE sql STABLE
    AS $$
    select coalesce(sum(coalesce(process.places, 1)), 0)::int
    from coursegen.workers worker
    left join coursegen.processes process on process.process = worker.process
    where 'stages' = any (worker.queues) and worker.last_heartbeat > now() - make_interval(secs => p_stalled_s)
$$;

--
-- Name: live_workers_v1(text, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.live_workers_v1(p_queue text, p_stalled_s double precision) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$
    select count(*) from coursegen.workers w
    where w.last_heartbeat > now() - make_interval(secs => p_stalled_s) and p_queue = any(w.queues)
$$;

--
-- Name: lock_controls_v1(); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.lock_controls_v1() RETURNS void
    LANGUAGE sql
    SET lock_timeout TO '500ms'
    AS $$
    select pg_advisory_xact_lock(hashtext('coursegen'), hashtext('controls'))
$$;

--
-- Name: lock_generation(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.lock_generation(p_generation_id uuid) RETURNS coursegen.generations
    LANGUAGE plpgsql
    AS $$
declare
    generation coursegen.generations;
begin
    perform from public.courses c
    where c.id = (select g.course_id from coursegen.generations g where g.id = p_generation_id)
    for no key update;
    select g.* into generation from coursegen.generations g where g.id = p_generation_id for no key update;
    return generation;
end
$$;

--
-- Name: move_limit_v1(integer, integer, text, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.move_limit_v1(p_from integer, p_to integer, p_reason text, p_facts jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform coursegen.lock_controls_v1();
    insert into coursegen.dynamic_limit as d (value, reason, lowered_at)
    values (p_to, p_reason, case when p_to < p_from then now() end)
    on conflict (is_only) do update
    set value = excluded.value, reason = excluded.reason, changed_at = now(),
        lowered_at = coalesce(excluded.lowered_at, d.lowered_at);
    perform coursegen.record_limit_change(jsonb_build_object('from', nullif(p_from, 0), 'limit', p_to, 'reason', p_reason) || p_facts);
end
$$;

--
-- Name: note_findings_v1(jsonb, double precision, jsonb, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.note_findings_v1(p_found jsonb, p_after_s double precision, p_gap jsonb, p_gap_s double precision) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    after constant interval := make_interval(secs => p_after_s);
    last timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('coursegen'), hashtext('alerts'));
    select c.at into last from coursegen.alert_checks c;
    insert into coursegen.alert_checks (at) values (now()) on conflict (id) do update set at = excluded.at;
    if now() - last > make_interval(secs => p_gap_s) then
        insert into coursegen.alerts (finding, state, details, began_at, ended_at, is_told)
        values ('database', 'over', p_gap, last, now(), true)
        on conflict do nothing;
    end if;

    insert into coursegen.alerts as a (finding, details)
    select f.finding, f.details
    from jsonb_to_recordset(p_found) f (finding text, is_problem boolean, details jsonb)
    where f.is_problem
    on conflict (finding) do update
    set details = excluded.details, seen_at = now(), changing_since = null, ended_at = null,
        state = case when a.state = 'suspected' and now() - a.began_at < after then 'suspected' else 'lasting' end,
        due_at = case when a.state = 'suspected' then now() else a.due_at end;

    update coursegen.alerts a
    set seen_at = now(), changing_since = coalesce(a.changing_since, now())
    from jsonb_to_recordset(p_found) f (finding text, is_problem boolean)
    where f.finding = a.finding and not f.is_problem and a.state <> 'over';
    update coursegen.alerts a
    set state = 'over', ended_at = a.changing_since, failures = 0, due_at = now()
    -- A begin that is being sent now may arrive.
    where a.state = 'lasting' and now() - a.changing_since >= after and (a.is_told or a.held_until > now());
    delete from coursegen.alerts a
    where (a.state = 'suspected' or a.state = 'lasting' and now() - a.changing_since >= after) and a.changing_since is not null
        or a.seen_at < now() - interval '1 day';  -- nobody checks it any more, or its end can't be delivered
end
$$;

--
-- Name: old_stack_column(); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.old_stack_column() RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select max(m.column_name) from coursegen.status_map m where m.source <> 'own'
$$;

--
-- Name: old_stack_end(uuid, text, timestamp with time zone); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.old_stack_end(p_course_id uuid, p_value text, p_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select m.status from coursegen.status_map m
    where m.value = p_value and m.status in ('completed', 'failed', 'cancelled')
        and not exists (
            select from coursegen.generations g
            where g.course_id = p_course_id and p_at between g.created_at and coalesce(g.finished_at, 'infinity')
        )
    order by m.status
    limit 1
$$;

--
-- Name: old_stack_values(); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.old_stack_values() RETURNS text[]
    LANGUAGE sql STABLE
    AS $$
    select array(
        select m.value from coursegen.status_map m where m.value is not null
        union select c.old_value from coursegen.status_changes c
        union select c.new_value from coursegen.status_changes c
        except select m.value from coursegen.status_map m where m.status in ('completed', 'failed', 'cancelled')
        except values ('pending'), ('completed'), ('failed'), ('cancelled')
    )
$$;

--
-- Name: pause_stage_v1(uuid, integer, bigint, double precision, double precision, double precision, text, text, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.pause_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_pause_s double precision, p_backoff_s double precision, p_most_s double precision, p_why text, p_waiting text, p_step text, p_message text) RETURNS TABLE(outcome text, pause_s double precision, refused text)
    LANGUAGE plpgsql
    AS $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
    pauses int;
    since timestamptz;
begin
    if not coursegen.holds_fence_v1(generation, p_fence) then
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
        return next;
        return;
    end if;
    select count(*), coalesce(min(a.finished_at), now()) into pauses, since
    from coursegen.attempts a
    where a.generation_id = p_generation_id and a.stage = generation.stage and a.outcome = 'paused'
        and a.finished_at > coalesce((
            select max(u.saved_at) from coursegen.units u
            where u.generation_id = p_generation_id and u.stage = generation.stage
        ), '-infinity');
    pause_s := greatest(1, coalesce(p_pause_s, least(p_backoff_s * 2 ^ least(pauses, 20), 600)));
    if extract(epoch from now() - since) + pause_s > p_most_s then
        outcome := 'failed';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome, p_why);
        refused := coursegen.fail_generation(generation, p_step, p_message, jsonb_build_object(
            'stage', generation.stage, 'pauses', pauses + 1, 'outcome', 'paused'
        ));
    else
        outcome := 'paused';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome, p_why);
        update coursegen.generations g
        set paused_until = now() + make_interval(secs => pause_s), paused_why = 'provider_busy'
        where g.id = p_generation_id;
        perform coursegen.write_course(generation.course_id, jsonb_build_array(
            '{"alive": true}'::jsonb, jsonb_build_object('message', p_waiting)
        ));
        perform coursegen.requeue_stage(p_generation_id, pause_s);
    end if;
    return next;
end
$$;

--
-- Name: pick_slots(uuid, integer, integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.pick_slots(p_user_id uuid, p_user_limit integer, p_system_limit integer, OUT user_slot integer, OUT system_slot integer, OUT user_active integer, OUT system_active integer) RETURNS record
    LANGUAGE plpgsql
    AS $$
begin
    perform pg_advisory_xact_lock(hashtext('coursegen'), hashtext('slots'));
    -- A statement of its own: its snapshot is taken under the lock.
    select count(*) filter (where g.user_id = p_user_id and g.user_slot is not null), count(g.system_slot)
    into user_active, system_active
    from coursegen.generations g
    where g.user_slot is not null;
    if user_active < p_user_limit then
        select n into user_slot
        from generate_series(1, p_user_limit) n
        where not exists (
            select from coursegen.generations g where g.user_id = p_user_id and g.user_slot = n
        )
        limit 1;
    end if;
    if system_active < p_system_limit then
        select n into system_slot
        from generate_series(1, system_active + 1) n
        where n <= p_system_limit and not exists (
            select from coursegen.generations g where g.system_slot = n
        )
        limit 1;
    end if;
end
$$;

--
-- Name: platform_files(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.platform_files(p_course_id uuid) RETURNS TABLE(id text, name text, path text, mime_type text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    course record;
begin
    select c.generation_progress -> 'files' as files, c.organization_id into course
    from public.courses c
    where c.id = p_course_id and coursegen.has_documents(c.generation_progress);
    if not found then
        return;
    end if;
    if 6 = (
        select count(*) from pg_attribute
        where attrelid = to_regclass('public.file_catalog') and not attisdropped
            and attname in ('id', 'organization_id', 'course_id', 'filename', 'storage_path', 'mime_type')
    ) then
        return query
            select
                coalesce(entry ->> 'id', entry ->> 'fileId', found.id::text), coalesce(entry ->> 'name', found.filename),
                coalesce(entry ->> 'path', found.storage_path),
                coalesce(entry ->> 'mime_type', found.mime_type, entry ->> 'type')
            from jsonb_array_elements(course.files) with ordinality as files (entry, position)
            left join lateral (
                select f.id, f.filename::text, f.storage_path::text, f.mime_type::text
                from public.file_catalog f
                where entry ->> 'path' is null
                    and f.organization_id = course.organization_id
                    and (f.course_id = p_course_id or f.course_id is null)
                    and (
                        f.id::text = lower(entry ->> 'fileId')
                        -- A url ends with the path.
                        or entry ->> 'fileId' is null and f.storage_path <> '' and right(entry ->> 'url', length(f.storage_path)) = f.storage_path
                    )
                order by f.course_id nulls last
                limit 1
            ) found on true
            order by position;
    else
        return query
            select
                coalesce(entry ->> 'id', entry ->> 'fileId'), entry ->> 'name', entry ->> 'path',
                coalesce(entry ->> 'mime_type', entry ->> 'type')
            from jsonb_array_elements(course.files) with ordinality as files (entry, position)
            order by position;
    end if;
end
$$;

--
-- Name: platform_tier(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.platform_tier(p_user_id uuid) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if 3 <> (
        select count(*) from pg_attribute
        where not attisdropped and (
            attrelid = to_regclass('public.users') and attname in ('id', 'organization_id')
            or attrelid = to_regclass('public.organizations') and attname = 'tier'
        )
    ) then
        return null;
    end if;
    return (
        select o.tier::text from public.users u
        join public.organizations o on o.id = u.organization_id
        where u.id = p_user_id
    );
end
$$;

--
-- Name: poll_course_v1(text, uuid, uuid, boolean, double precision, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.poll_course_v1(p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s double precision, p_stalled_s double precision, OUT outcome text, OUT course_id uuid, OUT user_id uuid, OUT tag text, OUT slug text, OUT status text, OUT generation_status text, OUT progress text, OUT created_at text, OUT updated_at text, OUT minutes integer, OUT is_stuck boolean, OUT queue_position integer, OUT worker_alive boolean) RETURNS record
    LANGUAGE sql STABLE
    AS $$
    select
        outcome, course_id, user_id, tag, slug, status, generation_status, progress, created_at, updated_at, minutes,
        is_stuck, queue_position, worker_alive
    from coursegen.poll_course_v2(p_slug, p_id, p_user_id, p_state, p_stuck_s, p_stalled_s)
$$;

--
-- Name: poll_course_v2(text, uuid, uuid, boolean, double precision, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.poll_course_v2(p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s double precision, p_stalled_s double precision, OUT outcome text, OUT course_id uuid, OUT user_id uuid, OUT organization_id uuid, OUT tag text, OUT slug text, OUT status text, OUT generation_status text, OUT progress text, OUT created_at text, OUT updated_at text, OUT minutes integer, OUT is_stuck boolean, OUT queue_position integer, OUT worker_alive boolean) RETURNS record
    LANGUAGE plpgsql STABLE
    SET enable_bitmapscan TO 'off'
    AS $$
-- A table without a column generation_status has the variable in its place, which is null.
#variable_conflict use_column
declare
    course record;
    generation record;
    own record;
begin
    -- Single columns: a whole row would be read with its progress.
    select c.id, c.xmin, c.user_id, c.organization_id, c.last_progress_update into course from public.courses c
    where c.id = coalesce(
        (select by_id.id from public.courses by_id where by_id.id = p_id),
        (
            select by_slug.id from public.courses by_slug
            where by_slug.slug = p_slug
            order by (by_slug.user_id is not distinct from p_user_id) desc, by_slug.id
            limit 1
        )
    );
    if not found then
        outcome := 'not_found';
        return;
    end if;
    course_id := course.id;
    user_id := course.user_id;
    organization_id := course.organization_id;
    is_stuck := false;
    select g.id, g.fence, g.status, g.created_at, g.paused_until into generation from coursegen.generations g
    where g.course_id = course.id and g.finished_at is null;
    if found then
        is_stuck := generation.status = 'running' and now() - make_interval(secs => p_stuck_s)
            > greatest(course.last_progress_update, generation.created_at, generation.paused_until);
        worker_alive := coursegen.live_workers_v1('stages', p_stalled_s) > 0;
        if generation.status = 'queued' then
            select j.priority, j.id into own from procrastinate_jobs j
            where j.status = 'todo' and j.queueing_lock = generation.id::text;
            if found then
                queue_position := (
                    select count(*) from (
                        select from procrastinate_jobs j
                        where j.status = 'todo' and j.queue_name = 'stages' and j.priority > own.priority
                            and (j.scheduled_at is null or j.scheduled_at <= now())
                        union all
                        select from procrastinate_jobs j
                        where j.status = 'todo' and j.queue_name = 'stages' and j.priority = own.priority and j.id < own.id
                            and (j.scheduled_at is null or j.scheduled_at <= now())
                        limit 100
                    ) first
                );
            end if;
        end if;
    end if;
    tag := left(encode(sha256(convert_to(concat_ws(
        ' ', course.id, course.xmin, course.last_progress_update, generation, is_stuck, queue_position, worker_alive
    ), 'UTF8')), 'hex'), 32);
    outcome := 'found';
    if not p_state then
        return;
    end if;
    select
        c.slug, c.status::text,
        coalesce(
            case when coursegen.is_generation_status(generation_status::text) then generation_status::text end,
            case
                when generation_status is null and coursegen.is_generation_status(c.status::text) then c.status::text
            end,
            coursegen.shown_status_v1(c.id)
        ),
        c.generation_progress::text,  -- a column that anybody may write holds JSON that Python can't read
        to_char(c.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        to_char(c.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        case when isfinite(c.created_at) then floor(extract(epoch from now() - c.created_at) / 60) end
    into slug, status, generation_status, progress, created_at, updated_at, minutes
    from public.courses c
    where c.id = course.id;
end
$$;

--
-- Name: publish_course(uuid, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.publish_course(p_generation_id uuid, p_mode text) RETURNS jsonb
    LANGUAGE sql
    AS $$select null::jsonb$$;

--
-- Name: publish_v1(uuid, text, boolean); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.publish_v1(p_generation_id uuid, p_mode text, p_again boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: rate_wait_v1(uuid, integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.rate_wait_v1(p_user_id uuid, p_limit integer) RETURNS integer
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return (
        select ceil(extract(epoch from done.at + interval '1 minute' - now()))
        from (
            select g.created_at as at from coursegen.generations g
            where g.user_id = p_user_id and g.created_at > now() - interval '1 minute'
            union all
            select g.finished_at from coursegen.generations g
            where g.ended_by in ('owner:' || p_user_id, 'admin:' || p_user_id)
                and g.finished_at > now() - interval '1 minute'
        ) done
        order by done.at desc
        offset p_limit - 1
        limit 1
    );
end
$$;

--
-- Name: read_content_v1(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.read_content_v1(p_generation_id uuid) RETURNS json
    LANGUAGE sql STABLE
    AS $$
    select json_build_object(
        'courseId', c.id, 'slug', c.slug, 'title', c.title, 'jobId', g.id,
        'completedAt', to_char(g.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'sections', coursegen.read_sections(g.id), 'documents', coursegen.read_documents(g.id),
        'summary', f.summary,
        'published', (
            select json_build_object(
                'mode', p.mode, 'at', to_char(p.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'result', p.result
            )
            from coursegen.publications p
            where p.generation_id = g.id
            order by p.published_at desc
            limit 1
        )
    )
    from coursegen.generations g
    join coursegen.finished_courses f on f.generation_id = g.id
    join public.courses c on c.id = g.course_id
    where g.id = p_generation_id
$$;

--
-- Name: read_documents(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.read_documents(p_generation_id uuid) RETURNS json
    LANGUAGE sql STABLE
    AS $$
    select coalesce(json_agg(json_build_object(
        'id', d.file_id, 'name', d.name, 'mimeType', d.mime_type, 'wasRead', d.error is null, 'error', d.error
    ) order by d.position), '[]')
    from coursegen.documents d
    where d.generation_id = p_generation_id
$$;

--
-- Name: read_sections(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.read_sections(p_generation_id uuid) RETURNS json
    LANGUAGE sql STABLE
    AS $$
    select coalesce(json_agg(json_build_object(
        'number', s.number, 'title', s.title,
        'lessons', (
            select coalesce(json_agg(json_build_object(
                'number', l.number, 'title', l.title, 'goals', l.goals, 'sources', l.sources,
                'text', coalesce(d.body, t.body)
            ) order by l.number), '[]')
            from coursegen.lessons l
            left join coursegen.drafts d on d.generation_id = l.generation_id and d.lesson_number = l.number
            left join coursegen.stopped_texts_v1(p_generation_id) t on t.lesson_number = l.number
            where l.generation_id = p_generation_id and l.section_number = s.number
        )
    ) order by s.number), '[]')
    from coursegen.sections s
    where s.generation_id = p_generation_id
$$;

--
-- Name: read_situation_v1(double precision, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.read_situation_v1(p_stalled_s double precision, p_window_s double precision) RETURNS TABLE("limit" integer, active integer, hosts jsonb, refused integer, waiting integer, oldest_s double precision, busy integer, changed_s double precision, lowered_s double precision)
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: read_stage_input(coursegen.generations, text[]); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.read_stage_input(g coursegen.generations, p_needs text[]) RETURNS json
    LANGUAGE plpgsql STABLE
    AS $_$
-- A table without a column settings has the variable in its place, which is null.
#variable_conflict use_column
declare
    settings constant jsonb := null;
    texts constant jsonpath := '$[*] ? (@.type() == "string")';
begin
    return json_build_object(
        'course', (
            select row_to_json(course) from (
                select
                    c.id, c.title, c.language, c.style, c.course_description, c.target_audience, c.difficulty,
                    coalesce(
                        to_jsonb(c.lesson_duration_minutes),
                        to_jsonb(substring(to_jsonb(settings) ->> 'lesson_duration_minutes' from '^[0-9]{1,4}$')::int)
                    ) as lesson_duration_minutes,
                    c.estimated_lessons, c.estimated_sections, c.content_strategy,
                    jsonb_path_query_array(to_jsonb(c.learning_outcomes), texts) as learning_outcomes,
                    jsonb_path_query_array(to_jsonb(c.output_formats), texts) as output_formats,
                    (
                        select coalesce(json_agg(json_build_object(
                            'id', file.id, 'name', file.name, 'path', file.path, 'mime_type', file.mime_type
                        ) order by file.position), '[]')
                        from coursegen.course_files(c.id) with ordinality as file (id, name, path, mime_type, position)
                    ) as files
                from public.courses c
                where c.id = g.course_id
            ) course
        ),
        'documents', case when 'documents' = any (p_needs) then (
            select json_agg(case
                -- Workers of an earlier release don't ask for the title, and do not know it.
                when 'titles' = any (p_needs) then json_build_object(
                    'file_id', d.file_id, 'name', d.name, 'mime_type', d.mime_type, 'text', d.body,
                    'headings', d.headings, 'error', d.error, 'title', coalesce(d.title, '')
                )
                else json_build_object(
                    'file_id', d.file_id, 'name', d.name, 'mime_type', d.mime_type, 'text', d.body,
                    'headings', d.headings, 'error', d.error
                )
            end order by d.position)
            from coursegen.documents d where d.generation_id = g.id
        ) end,
        'brief', case when 'brief' = any (p_needs) then (
            select b.brief from coursegen.briefs b where b.generation_id = g.id
        ) end,
        'outline', case when 'outline' = any (p_needs) then (
            select json_agg(json_build_object(
                'section', s.number, 'section_title', s.title,
                'title', l.title, 'goals', l.goals, 'sources', l.sources
            ) order by l.number)
            from coursegen.sections s
            join coursegen.lessons l on l.generation_id = s.generation_id and l.section_number = s.number
            where s.generation_id = g.id
        ) end,
        'drafts', case when 'drafts' = any (p_needs) then (
            select json_agg(json_build_object('lesson', d.lesson_number, 'text', d.body) order by d.lesson_number)
            from coursegen.drafts d where d.generation_id = g.id
        ) end
    );
end
$_$;

--
-- Name: read_status_value(uuid, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.read_status_value(p_course_id uuid, p_column text) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if p_column = 'generation_status' then
        return (select c.generation_status::text from public.courses c where c.id = p_course_id);
    end if;
    return (select c.status::text from public.courses c where c.id = p_course_id);
end
$$;

--
-- Name: read_stopped_v1(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.read_stopped_v1(p_generation_id uuid) RETURNS json
    LANGUAGE sql STABLE
    AS $$
    select json_build_object(
        'courseId', c.id, 'slug', c.slug, 'title', c.title, 'jobId', g.id, 'completedAt', null,
        'unfinished', json_build_object(
            'status', g.status, 'error', g.error_message,
            'endedAt', to_char(g.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'lessonsCompleted', (select count(*) from coursegen.stopped_texts_v1(g.id))
        ),
        'sections', coursegen.read_sections(g.id), 'documents', coursegen.read_documents(g.id),
        'summary', '{}'::json, 'published', null
    )
    from coursegen.generations g
    join public.courses c on c.id = g.course_id
    where g.id = p_generation_id and exists (select from coursegen.stopped_texts_v1(g.id))
$$;

--
-- Name: record_event(coursegen.generations, text, text, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.record_event(g coursegen.generations, p_type text, p_severity text, p_metadata jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    with written as (insert into coursegen.written_events (id, "timestamp") values (gen_random_uuid(), now()) returning id)
    insert into public.system_metrics (id, event_type, severity, user_id, course_id, job_id, metadata)
    select
        written.id, p_type::public.metric_event_type, p_severity::public.metric_severity, g.user_id, g.course_id, g.id::text,
        jsonb_build_object('stage', g.stage, 'request_id', g.request_id) || p_metadata
    from written;
    set constraints all immediate;  -- as in write_course
exception when others or query_canceled then
    if sqlstate like '53%' then
        raise;
    end if;
    raise warning 'An event % was refused: %', p_type, sqlerrm;
end
$$;

--
-- Name: record_limit_change(jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.record_limit_change(p_metadata jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into coursegen.events (event_type, severity, metadata) values ('limit_changed', 'info', p_metadata)
$$;

--
-- Name: record_own_event(text, text, uuid, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.record_own_event(p_type text, p_severity text, p_generation_id uuid, p_metadata jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into coursegen.events (event_type, severity, user_id, course_id, job_id, metadata)
    select p_type, p_severity::public.metric_severity, g.user_id, g.course_id, g.id::text, p_metadata
    from coursegen.generations g
    where g.id = p_generation_id
$$;

--
-- Name: record_reader_faults_v1(uuid, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.record_reader_faults_v1(p_generation_id uuid, p_faults jsonb) RETURNS void
    LANGUAGE sql
    AS $$
    select coursegen.record_own_event('document_reader_failed', 'error', p_generation_id, fault.value)
    from jsonb_array_elements(p_faults) fault
$$;

--
-- Name: record_refusal(uuid, text, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.record_refusal(p_course_id uuid, p_status text, p_old_value text, p_error text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into coursegen.events (event_type, severity, course_id, metadata)
    values (
        'status_refused', 'warn', p_course_id,
        jsonb_build_object('status', p_status, 'old_value', p_old_value, 'error', p_error)
    );
    update coursegen.generations g set cancel_value = null
    where g.course_id = p_course_id and g.finished_at is null and g.status = 'queued' and g.cancel_value = p_old_value;
end
$$;

--
-- Name: report_units_v1(uuid, integer, text, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.report_units_v1(p_generation_id uuid, p_fence integer, p_stage text, p_change jsonb) RETURNS TABLE(outcome text)
    LANGUAGE plpgsql
    AS $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if coursegen.holds_fence_v1(generation, p_fence) and generation.stage::text = p_stage then
        outcome := 'reported';
        perform coursegen.write_course(generation.course_id, jsonb_build_array(p_change, '{"alive": true}'::jsonb));
    else
        outcome := 'superseded';
    end if;
    return next;
end
$$;

--
-- Name: requeue_stage(uuid, double precision, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.requeue_stage(p_generation_id uuid, p_delay_s double precision DEFAULT 0, p_lock text DEFAULT NULL::text) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    generation coursegen.generations;
begin
    update coursegen.generations g set fence = g.fence + 1 where g.id = p_generation_id returning g.* into generation;
    perform procrastinate_cancel_job_v1(j.id, false, true)
    from procrastinate_jobs j
    where j.queueing_lock = p_generation_id::text and j.status = 'todo';
    perform procrastinate_defer_jobs_v1(array[coursegen.stage_job(generation, p_delay_s, p_lock)]);
    return generation.fence;
end
$$;

--
-- Name: rescue_delivery_v1(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.rescue_delivery_v1(p_generation_id uuid) RETURNS TABLE(outcome text)
    LANGUAGE plpgsql
    AS $$
begin
    perform from coursegen.generations g where g.id = p_generation_id for no key update;
    outcome := case when coursegen.schedule_delivery(p_generation_id) then 'rescued' else 'none' end;
    return next;
end
$$;

--
-- Name: resend_deliveries_v1(uuid, integer, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.resend_deliveries_v1(p_generation_id uuid, p_seq integer, p_actor text, p_reason text) RETURNS TABLE(outcome text, seqs integer[])
    LANGUAGE plpgsql
    AS $$
begin
    perform from coursegen.generations g where g.id = p_generation_id for no key update;
    with renewed as (
        update coursegen.webhook_deliveries d
        set state = 'pending', finished_at = null, failures = 0, due_at = now(), give_up_at = now() + interval '1 day'
        where d.generation_id = p_generation_id and (d.seq = p_seq or (p_seq is null and d.state <> 'delivered'))
        returning d.seq
    )
    select array_agg(r.seq order by r.seq) into seqs from renewed r;
    outcome := case when seqs is null then 'nothing_to_send' else 'resent' end;
    if outcome = 'resent' then
        perform coursegen.cancel_delivery_job(p_generation_id);
        perform coursegen.schedule_delivery(p_generation_id);
        insert into coursegen.audit (actor, action, generation_id, reason, details)
        values (p_actor, 'resend', p_generation_id, p_reason, jsonb_build_object('seq', p_seq));
    end if;
    return next;
end
$$;

--
-- Name: reset_course_progress(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.reset_course_progress(p_course_id uuid) RETURNS jsonb
    LANGUAGE sql
    AS $$
    select coursegen.write_course(p_course_id, '[{"reset": true}]')
$$;

--
-- Name: save_unit_v1(uuid, integer, text, text, bytea, jsonb, text, text, text, bigint, bigint, numeric); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.save_unit_v1(p_generation_id uuid, p_fence integer, p_stage text, p_unit text, p_hash bytea, p_result jsonb, p_handler text, p_version text, p_model text, p_calls bigint, p_tokens bigint, p_money numeric) RETURNS TABLE(outcome text)
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: schedule_delivery(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.schedule_delivery(p_generation_id uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    queueing constant text := 'webhook:' || p_generation_id;
    due timestamptz;
begin
    select d.due_at into due
    from coursegen.webhook_deliveries d
    where d.generation_id = p_generation_id and d.state = 'pending'
        and coalesce(d.held_until, '-infinity') <= now()
        and not exists (
            select from procrastinate_jobs j where j.status = 'todo' and j.queueing_lock = queueing
        )
        and d.seq = (
            select min(p.seq) from coursegen.webhook_deliveries p
            where p.generation_id = p_generation_id and p.state = 'pending'
        );
    if not found then
        return false;
    end if;
    perform procrastinate_defer_jobs_v1(array[row(
        'webhooks', 'tasks.webhooks.deliver', 0, null, queueing,
        jsonb_build_object('generation_id', p_generation_id), case when due > now() then due end
    )::procrastinate_job_to_defer_v1]);
    return true;
end
$$;

--
-- Name: set_course_status(uuid, text, jsonb, boolean, boolean, text, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.set_course_status(p_course_id uuid, p_status text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    place coursegen.status_map;
    was text;
    way text[];
begin
    if p_status is not null then
        select m.* into place from coursegen.status_map m where m.status = p_status;
        if not found then
            raise exception using errcode = 'CG002',
                message = pg_catalog.format('Invalid status: %s (no status of a generation)', p_status);
        end if;
    end if;
    if place.column_name is not null and place.is_guarded then
        begin
            was := coursegen.read_status_value(p_course_id, place.column_name);
            if was is distinct from place.value then
                select r.steps into way from coursegen.status_routes r where r.status = p_status and r.old_value = was;
                if way is not null then
                    perform coursegen.write_status_values(p_course_id, place.column_name, trim_array(way, 1));
                end if;
                if not coursegen.write_course_row(
                    p_course_id, place.column_name, place.value, p_progress, p_starts, p_ends, p_error, p_error_details
                ) then
                    raise exception 'A trigger of the platform skipped the write of course %', p_course_id;
                end if;
                set constraints all immediate;  -- a deferred trigger on the status would refuse the commit
                return true;
            end if;
        exception when others then
            -- What another attempt may not meet is for the caller, who tries again.
            if sqlstate in ('40001', '40P01', '55P03') or sqlstate like '53%' then
                raise;
            end if;
            perform coursegen.record_refusal(p_course_id, p_status, was, sqlerrm);
        end;
        place.column_name := null;
    end if;
    return coursegen.write_course_row(
        p_course_id, place.column_name, place.value, p_progress, p_starts, p_ends, p_error, p_error_details
    );
end
$$;

--
-- Name: set_priority_v1(uuid, integer, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.set_priority_v1(p_generation_id uuid, p_priority integer, p_actor text DEFAULT NULL::text, p_reason text DEFAULT NULL::text) RETURNS TABLE(outcome text, was integer)
    LANGUAGE plpgsql
    AS $$
declare
    generation coursegen.generations;
begin
    select g.* into generation from coursegen.generations g where g.id = p_generation_id for no key update;
    if not found then
        outcome := 'not_found';
        return next;
        return;
    end if;
    -- The library has no function for it. One that is being fetched is waited for, and is then no longer `todo`.
    update procrastinate_jobs j set priority = p_priority + (generation.started_at is not null)::int
    where j.queueing_lock = p_generation_id::text and j.status = 'todo' and generation.finished_at is null;
    outcome := case when found then 'set' else 'not_waiting' end;
    if outcome = 'set' then
        was := generation.priority;
        update coursegen.generations g set priority = p_priority where g.id = p_generation_id;
        if p_actor is not null then
            insert into coursegen.audit (actor, action, generation_id, course_id, reason, details)
            values (
                p_actor, 'priority', p_generation_id, generation.course_id, p_reason,
                jsonb_build_object('was', was, 'priority', p_priority)
            );
        end if;
    end if;
    return next;
end
$$;

--
-- Name: settle_generation_v1(uuid, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.settle_generation_v1(p_generation_id uuid, p_message text) RETURNS TABLE(outcome text)
    LANGUAGE plpgsql
    AS $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    outcome := 'final';
    if generation.finished_at is null and generation.id is not null then
        if coursegen.holds_fence_v1(generation, generation.fence) then
            outcome := 'active';
        else
            perform coursegen.cancel_generation(generation, p_message, case
                when exists (
                    select from public.courses c where c.id = generation.course_id and c.user_id = generation.user_id
                ) then 'platform' else 'owner_changed'
            end);
        end if;
    end if;
    return next;
end
$$;

--
-- Name: shown_status_v1(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.shown_status_v1(p_course_id uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
declare
    place constant text := (select m.column_name from coursegen.status_map m where m.status = 'initializing');
    shown constant text := case when place is not null then coursegen.read_status_value(p_course_id, place) end;
    generation record;
begin
    if coursegen.is_generation_status(shown) or place = 'generation_status' and shown is null then
        return shown;
    end if;
    select g.id, g.status::text, g.stage into generation
    from coursegen.generations g
    where g.course_id = p_course_id
    order by g.created_at desc
    limit 1;
    return case
        when place = 'generation_status' and generation.status is distinct from (
            select m.status from coursegen.status_map m where m.value = shown and m.status = generation.status
        ) then shown
        when generation.status in ('completed', 'failed', 'cancelled') then generation.status
        when exists (select from coursegen.attempts a where a.generation_id = generation.id)
            then coursegen.stage_status(generation.stage)
        when generation.id is not null then 'initializing'
    end;
end
$$;

--
-- Name: skip_refused(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.skip_refused(p_generation_id uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    head record;
    newest int;
    answers int[];
begin
    select d.seq, d.failures, d.held_until into head
    from coursegen.webhook_deliveries d
    where d.generation_id = p_generation_id and d.state = 'pending'
    order by d.seq limit 1;
    if not found or head.failures < 3 or head.held_until > now() then
        return false;
    end if;
    answers := array(
        select coalesce(a.status, 0) from coursegen.webhook_attempts a
        where a.generation_id = p_generation_id and a.seq = head.seq
        order by a.id desc limit 3
    );
    select max(d.seq) into newest
    from coursegen.webhook_deliveries d where d.generation_id = p_generation_id and d.state = 'pending';
    if not answers <@ '{400,409,422,500}' or newest = head.seq and 500 = any (answers) then
        return false;
    end if;
    update coursegen.webhook_deliveries d
    set state = 'given_up', finished_at = now(), held_until = null
    where d.generation_id = p_generation_id and d.state = 'pending' and (d.seq < newest or d.seq = head.seq);
    perform coursegen.cancel_delivery_job(p_generation_id);
    return true;
end
$$;

--
-- Name: spend_v1(uuid, integer, bigint, bigint, numeric, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.spend_v1(p_generation_id uuid, p_fence integer, p_calls bigint, p_tokens bigint, p_money numeric, p_budget jsonb) RETURNS TABLE(outcome text, calls bigint, tokens bigint, money numeric)
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: stage_job(coursegen.generations, double precision, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.stage_job(g coursegen.generations, p_delay_s double precision DEFAULT 0, p_lock text DEFAULT NULL::text) RETURNS public.procrastinate_job_to_defer_v1
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return row(
        'stages',
        'tasks.stages.' || lower(g.stage::text),
        g.priority + (g.started_at is not null)::int,
        p_lock,
        g.id::text,
        jsonb_build_object(
            'generation_id', g.id, 'user_id', g.user_id, 'request_id', g.request_id, 'fence', g.fence
        ),
        case when p_delay_s > 0 then now() + make_interval(secs => p_delay_s) end
    )::procrastinate_job_to_defer_v1;
end
$$;

--
-- Name: stage_status(coursegen.stage); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.stage_status(p_stage coursegen.stage) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case p_stage
        when 'DOCUMENT_PROCESSING' then 'processing_documents'
        when 'STRUCTURE_ANALYSIS' then 'analyzing_task'
        when 'STRUCTURE_GENERATION' then 'generating_structure'
        when 'TEXT_GENERATION' then 'generating_content'
        else 'finalizing'
    end
$$;

--
-- Name: stage_step(coursegen.stage); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.stage_step(p_stage coursegen.stage) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case p_stage
        when 'STRUCTURE_GENERATION' then 3
        when 'TEXT_GENERATION' then 4
        when 'FINALIZATION' then 5
        else 2
    end
$$;

--
-- Name: stopped_texts_v1(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.stopped_texts_v1(p_generation_id uuid) RETURNS TABLE(lesson_number integer, body text)
    LANGUAGE sql STABLE
    AS $$
    select distinct on (l.number) l.number, case jsonb_typeof(u.result)
        when 'string' then u.result #>> '{}' when 'object' then u.result ->> 'text'
    end
    from coursegen.generations g
    join coursegen.lessons l on l.generation_id = g.id
    join coursegen.units u
        on u.course_id = g.course_id and u.stage = 'TEXT_GENERATION' and u.unit = l.number::text and u.saved_at <= g.finished_at
    join coursegen.lessons made
        on made.generation_id = u.generation_id and made.number = l.number and made.title = l.title
    where g.id = p_generation_id and g.status in ('failed', 'cancelled')
    order by l.number, u.used_at desc
$$;

--
-- Name: store_stage_result(uuid, text, json); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.store_stage_result(p_generation_id uuid, p_stage text, p_result json) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    case p_stage
        when 'DOCUMENT_PROCESSING' then
            insert into coursegen.documents (
                generation_id, position, file_id, name, mime_type, body, headings, error, title, fault
            )
            select
                p_generation_id, d.position, d.file_id, d.name, d.mime_type, d.body, d.headings, d.error, d.title, d.fault
            from json_populate_recordset(null::coursegen.documents, p_result) d;
            perform coursegen.record_reader_faults_v1(p_generation_id, jsonb_agg(d.fault))
            from coursegen.documents d
            where d.generation_id = p_generation_id and jsonb_typeof(d.fault) = 'object';
        when 'STRUCTURE_ANALYSIS' then
            insert into coursegen.briefs (generation_id, brief) values (p_generation_id, p_result::jsonb);
        when 'STRUCTURE_GENERATION' then
            insert into coursegen.sections (generation_id, number, title)
            select p_generation_id, s.number, s.title
            from json_populate_recordset(null::coursegen.sections, p_result -> 'sections') s;
            insert into coursegen.lessons (generation_id, number, section_number, title, goals, sources)
            select p_generation_id, l.number, l.section_number, l.title, l.goals, l.sources
            from json_populate_recordset(null::coursegen.lessons, p_result -> 'lessons') l;
        when 'TEXT_GENERATION' then
            insert into coursegen.drafts (generation_id, lesson_number, body)
            select p_generation_id, d.lesson_number, d.body
            from json_populate_recordset(null::coursegen.drafts, p_result) d;
        when 'FINALIZATION' then
            insert into coursegen.finished_courses (generation_id, body, summary)
            values (p_generation_id, p_result ->> 'body', (p_result -> 'summary')::jsonb);
    end case;
end
$$;

--
-- Name: stuck_s_v1(coursegen.generations, double precision); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.stuck_s_v1(generation coursegen.generations, p_least_s double precision) RETURNS double precision
    LANGUAGE sql STABLE
    AS $$
    select idle.s
    from coursegen.idle_s_v1(generation) idle (s)
    where generation.status <> 'awaiting_approval' and idle.s >= p_least_s
        and not ((generation.status = 'queued' or generation.paused_until is not null) and exists (
            select from coursegen.controls c where c.name in ('stages', 'stage:' || generation.stage)
        ))
$$;

--
-- Name: take_over_stage_v1(uuid, bigint, double precision, jsonb, text, text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.take_over_stage_v1(p_generation_id uuid, p_job_id bigint, p_stalled_s double precision, p_stages jsonb, p_suspects_lock text, p_exhausted text) RETURNS TABLE(outcome text, stage text, fence integer, refused text)
    LANGUAGE plpgsql
    AS $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
    job_fence int := generation.fence;
    limits jsonb := p_stages -> generation.stage::text;
    starts int;
begin
    if p_job_id is not null then
        select (o.args ->> 'fence')::int into job_fence
        from procrastinate_jobs o
        where o.id = p_job_id and coursegen.is_orphaned_v1(o, p_stalled_s, p_stages)
        for update skip locked;
    else
        perform where not exists (select from coursegen.generation_jobs_v1(p_generation_id));
    end if;
    if not found then
        outcome := 'none';
        return next;
        return;
    end if;
    -- Without a job the queue knows how the run ended: its worker lived to report it.
    update coursegen.attempts a
    set outcome = case when p_job_id is null then 'interrupted' else 'died' end::coursegen.attempt_outcome,
        finished_at = now()
    where a.outcome is null
        and case when p_job_id is null then a.generation_id = p_generation_id else a.job_id = p_job_id end;
    delete from procrastinate_jobs j where j.id = p_job_id and j.status = 'doing';

    stage := generation.stage;
    fence := generation.fence;
    if not coursegen.holds_fence_v1(generation, job_fence) then
        outcome := 'job_closed';
        return next;
        return;
    end if;
    starts := coursegen.count_starts(p_generation_id, generation.stage);
    if starts >= (limits ->> 'most_starts')::int then
        outcome := 'failed';
        refused := coursegen.fail_generation(
            generation, limits ->> 'failed', p_exhausted, jsonb_build_object('stage', generation.stage)
        );
    else
        outcome := 'taken_over';
        fence := coursegen.requeue_stage(
            p_generation_id, 0, case when starts = (limits ->> 'most_starts')::int - 1 then p_suspects_lock end
        );
    end if;
    return next;
end
$$;

--
-- Name: unread_documents(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.unread_documents(p_generation_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
        'total', count(*),
        'unread', jsonb_agg(
            jsonb_build_object('id', left(d.file_id, 200), 'name', left(d.name, 200), 'error', left(d.error, 500))
            order by d.position
        ) filter (where d.error is not null)
    )
    from coursegen.documents d
    where d.generation_id = p_generation_id
    having count(d.error) > 0
$$;

--
-- Name: update_course_progress(uuid, integer, text, text, text, jsonb, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.update_course_progress(p_course_id uuid, p_step_id integer, p_status text, p_message text, p_error_message text DEFAULT NULL::text, p_error_details jsonb DEFAULT NULL::jsonb, p_metadata jsonb DEFAULT '{}'::jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
    if p_step_id is null or p_step_id not between 1 and 5 then
        raise exception using errcode = 'CG001',
            message = pg_catalog.format('Invalid step_id: %s (expected 1 to 5)', coalesce(p_step_id::text, 'null'));
    end if;
    if p_status is null or p_status not in ('pending', 'in_progress', 'completed', 'failed') then
        raise exception using errcode = 'CG002', message = pg_catalog.format(
            'Invalid status: %s (expected pending, in_progress, completed or failed)', coalesce(p_status, 'null')
        );
    end if;
    return coursegen.write_course(p_course_id, pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
        'step', p_step_id, 'status', p_status, 'message', p_message,
        'error', p_error_message, 'error_details', p_error_details, 'metadata', p_metadata
    )));
end
$$;

--
-- Name: user_tier(uuid); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.user_tier(p_user_id uuid) RETURNS text
    LANGUAGE sql STABLE
    AS $$select coursegen.platform_tier(p_user_id)$$;

--
-- Name: webhook_host(text); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.webhook_host(p_url text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(split_part(split_part(split_part(p_url, '/'::text, 3), '?'::text, 1), '@'::text, '-1'::integer));

--
-- Name: whole_progress(jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.whole_progress(p_progress jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $_$
declare
    progress constant jsonb := case when jsonb_typeof(p_progress) = 'object' then p_progress else '{}' end;
    malformed constant boolean := coursegen.is_malformed_progress(p_progress);
    -- Steps that have to be built are named after the files of now.
    has_documents constant boolean := case
        when not malformed and jsonb_typeof(progress -> 'has_documents') = 'boolean'
            then (progress -> 'has_documents')::boolean
        else coursegen.has_documents(progress)
    end;
    steps jsonb := case
        when malformed then coursegen.blank_course_steps(has_documents) else progress -> 'steps'
    end;
    furthest constant int := coursegen.furthest_step(steps);
begin
    -- Steps are complete nearly always; then they stay as they are.
    if not malformed and jsonb_path_exists(steps, 'strict $[*] ? (
        !(@.name.type() == "string" && exists (@.started_at) && exists (@.completed_at)
        && exists (@.error) && exists (@.error_details))
    )', silent => true) then
        steps := (
            select jsonb_agg(blank || step || case
                when jsonb_typeof(step -> 'name') = 'string' then '{}' else jsonb_build_object('name', blank -> 'name')
            end order by n)
            from rows from (
                jsonb_array_elements(coursegen.blank_course_steps(has_documents)), jsonb_array_elements(steps)
            ) with ordinality as s (blank, step, n)
        );
    end if;
    return progress || jsonb_build_object(
        'steps', steps,
        'percentage', 20 * (furthest - 1) + case steps -> (furthest - 1) ->> 'status'
            when 'completed' then 20 when 'in_progress' then 10 else 0
        end,
        'current_step', furthest,
        'message', case when jsonb_typeof(progress -> 'message') = 'string' then progress -> 'message' else '""' end,
        'total_steps', 5,
        'has_documents', has_documents,
        'lessons_completed', coursegen.lesson_count(progress -> 'lessons_completed'),
        'lessons_total', coursegen.lesson_count(progress -> 'lessons_total'),
        'files', case when jsonb_typeof(progress -> 'files') = 'array' then progress -> 'files' else '[]' end,
        'metadata', case when jsonb_typeof(progress -> 'metadata') = 'object' then progress -> 'metadata' else '{}' end
    );
end
$_$;

--
-- Name: why_stage_waits(coursegen.generations, integer); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.why_stage_waits(g coursegen.generations, p_at_once integer) RETURNS text
    LANGUAGE plpgsql
    AS $$
begin
    return case
        when exists (select from coursegen.controls c where c.name in ('stages', 'stage:' || g.stage)) then 'stage_paused'
        when coursegen.is_stage_full(g, p_at_once) then 'stage_full'
    end;
end
$$;

--
-- Name: write_course(uuid, jsonb, text, text, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.write_course(p_course_id uuid, p_changes jsonb, p_status text DEFAULT NULL::text, p_error text DEFAULT NULL::text, p_error_details jsonb DEFAULT NULL::jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
    before jsonb;
    after jsonb;
    starts constant boolean := p_changes @> '[{"reset": true}]';
    ends constant boolean := coalesce(p_status in ('completed', 'failed', 'cancelled'), false);
begin
    select c.generation_progress into before
    from public.courses c where c.id = p_course_id
    for no key update;
    if not found then
        return null;
    end if;
    after := coursegen.changed_progress(before, p_changes, now());
    if p_status is null and not p_changes @> '[{"alive": true}]' and after is not distinct from before then
        return after;
    end if;
    if not coursegen.set_course_status(p_course_id, p_status, after, starts, ends, p_error, p_error_details) then
        raise exception 'A trigger of the platform skipped the write of course %', p_course_id;
    end if;
    -- A deferred trigger of the platform would run in the commit, where no timeout ends it and nobody can catch its error.
    set constraints all immediate;
    return after;
end
$$;

--
-- Name: write_course_row(uuid, text, text, jsonb, boolean, boolean, text, jsonb); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.write_course_row(p_course_id uuid, p_column text, p_value text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    course public.courses;  -- an assignment to its field converts the value to the column's type
begin
    if p_column = 'status' then
        course.status := p_value;
        update public.courses c
        set status = course.status,
            generation_progress = p_progress, last_progress_update = now(), updated_at = now(),
            generation_started_at = case when p_starts then now() else c.generation_started_at end,
            generation_completed_at = case
                when p_ends then now() when p_starts then null else c.generation_completed_at
            end,
            error_message = case when p_starts then null else coalesce(p_error, c.error_message) end,
            error_details = case when p_starts then null else coalesce(p_error_details, c.error_details) end
        where c.id = p_course_id;
    elsif p_column = 'generation_status' then
        course.generation_status := p_value;
        update public.courses c
        set generation_status = course.generation_status,
            generation_progress = p_progress, last_progress_update = now(), updated_at = now(),
            generation_started_at = case when p_starts then now() else c.generation_started_at end,
            generation_completed_at = case
                when p_ends then now() when p_starts then null else c.generation_completed_at
            end,
            error_message = case when p_starts then null else coalesce(p_error, c.error_message) end,
            error_details = case when p_starts then null else coalesce(p_error_details, c.error_details) end
        where c.id = p_course_id;
    else
        update public.courses c
        set generation_progress = p_progress, last_progress_update = now(), updated_at = now(),
            generation_started_at = case when p_starts then now() else c.generation_started_at end,
            generation_completed_at = case
                when p_ends then now() when p_starts then null else c.generation_completed_at
            end,
            error_message = case when p_starts then null else coalesce(p_error, c.error_message) end,
            error_details = case when p_starts then null else coalesce(p_error_details, c.error_details) end
        where c.id = p_course_id;
    end if;
    return found;
end
$$;

--
-- Name: write_status_values(uuid, text, text[]); Type: FUNCTION; Schema: coursegen; Owner: -
--

CREATE FUNCTION coursegen.write_status_values(p_course_id uuid, p_column text, p_values text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    course public.courses;  -- an assignment to its field converts the value to the column's type
    value text;
begin
    foreach value in array p_values loop
        if p_column = 'generation_status' then
            course.generation_status := value;
            update public.courses c set generation_status = course.generation_status where c.id = p_course_id;
        else
            course.status := value;
            update public.courses c set status = course.status where c.id = p_course_id;
        end if;
    end loop;
end
$$;

--
-- Name: procrastinate_cancel_job_v1(bigint, boolean, boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;

--
-- Name: procrastinate_defer_jobs_v1(public.procrastinate_job_to_defer_v1[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_defer_jobs_v1(jobs public.procrastinate_job_to_defer_v1[]) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;

    RETURN job_ids;
END;
$$;

--
-- Name: procrastinate_defer_periodic_job_v2(character varying, character varying, character varying, character varying, integer, character varying, bigint, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;

    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;

    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;

    RETURN _job_id;
END;
$$;

--
-- Name: procrastinate_fetch_job_v2(character varying[], bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) RETURNS public.procrastinate_jobs
    LANGUAGE plpgsql
    AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;

 RETURN found_jobs;
END;
$$;

--
-- Name: procrastinate_finish_job_v1(bigint, public.procrastinate_job_status, boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_finish_job_v1(job_id bigint, end_status public.procrastinate_job_status, delete_job boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %)', job_id;
    END IF;
END;
$$;

--
-- Name: procrastinate_notify_queue_abort_job_v1(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_notify_queue_abort_job_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;

--
-- Name: procrastinate_notify_queue_job_inserted_v1(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_notify_queue_job_inserted_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;

--
-- Name: procrastinate_prune_stalled_workers_v1(double precision); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;

--
-- Name: procrastinate_register_worker_v1(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_register_worker_v1() RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;

--
-- Name: procrastinate_retry_job_v1(bigint, timestamp with time zone, integer, character varying, character varying); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %)', job_id;
    END IF;
END;
$$;

--
-- Name: procrastinate_retry_job_v2(bigint, timestamp with time zone, integer, character varying, character varying); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %)', job_id;
    END IF;

END;
$$;

--
-- Name: procrastinate_trigger_abort_requested_events_procedure_v1(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;

--
-- Name: procrastinate_trigger_function_scheduled_events_v1(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_trigger_function_scheduled_events_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);

	RETURN NEW;
END;
$$;

--
-- Name: procrastinate_trigger_function_status_events_insert_v1(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_trigger_function_status_events_insert_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;

--
-- Name: procrastinate_trigger_function_status_events_update_v1(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_trigger_function_status_events_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;

--
-- Name: procrastinate_unlink_periodic_defers_v1(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_unlink_periodic_defers_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;

--
-- Name: procrastinate_unregister_worker_v1(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_unregister_worker_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;

--
-- Name: procrastinate_update_heartbeat_v1(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.procrastinate_update_heartbeat_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;

--
-- Name: update_course_progress(uuid, integer, text, text, text, jsonb, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.update_course_progress(p_course_id uuid, p_step_id integer, p_status text, p_message text, p_error_message text DEFAULT NULL::text, p_error_details jsonb DEFAULT NULL::jsonb, p_metadata jsonb DEFAULT '{}'::jsonb) RETURNS jsonb
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$select coursegen.update_course_progress(
            p_course_id, p_step_id, p_status, p_message, p_error_message, p_error_details, p_metadata
        )$$;

--
-- Name: alert_checks; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.alert_checks (
    id boolean DEFAULT true NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT alert_checks_id_check CHECK (id)
);

--
-- Name: alerts; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.alerts (
    finding text NOT NULL,
    state text DEFAULT 'suspected'::text NOT NULL,
    details jsonb NOT NULL,
    began_at timestamp with time zone DEFAULT now() NOT NULL,
    changing_since timestamp with time zone,
    ended_at timestamp with time zone,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    is_told boolean DEFAULT false NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    held_until timestamp with time zone,
    CONSTRAINT alerts_state_check CHECK ((state = ANY (ARRAY['suspected'::text, 'lasting'::text, 'over'::text])))
);

--
-- Name: applied_functions; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.applied_functions (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: applied_migrations; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.applied_migrations (
    version text NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: attempt_logs; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.attempt_logs (
    attempt_id bigint NOT NULL,
    lines text NOT NULL
);

--
-- Name: attempts; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.attempts (
    id bigint NOT NULL,
    generation_id uuid NOT NULL,
    stage coursegen.stage NOT NULL,
    fence integer NOT NULL,
    job_id bigint NOT NULL,
    worker text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    outcome coursegen.attempt_outcome,
    error text,
    CONSTRAINT attempts_finished_iff_outcome CHECK (((finished_at IS NOT NULL) = (outcome IS NOT NULL)))
);

--
-- Name: attempts_id_seq; Type: SEQUENCE; Schema: coursegen; Owner: -
--

ALTER TABLE coursegen.attempts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME coursegen.attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: audit; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.audit (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    generation_id uuid,
    course_id uuid,
    reason text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL
);

--
-- Name: audit_id_seq; Type: SEQUENCE; Schema: coursegen; Owner: -
--

ALTER TABLE coursegen.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME coursegen.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: briefs; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.briefs (
    generation_id uuid NOT NULL,
    brief jsonb NOT NULL
);

--
-- Name: bulk_rows; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.bulk_rows (
    run_id uuid NOT NULL,
    "position" integer NOT NULL,
    generation_id uuid NOT NULL,
    outcome text,
    why text,
    CONSTRAINT bulk_rows_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'changed'::text, 'failed'::text])))
);

--
-- Name: bulk_runs; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.bulk_runs (
    id uuid NOT NULL,
    action text NOT NULL,
    filter jsonb NOT NULL,
    skipped jsonb NOT NULL,
    operator text NOT NULL,
    reason text,
    prepared_at timestamp with time zone DEFAULT now() NOT NULL,
    confirmed_at timestamp with time zone,
    finished_at timestamp with time zone,
    holder uuid,
    held_until timestamp with time zone,
    CONSTRAINT bulk_runs_action_check CHECK ((action = ANY (ARRAY['cancel'::text, 'retry'::text, 'resend'::text])))
);

--
-- Name: console_forms; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.console_forms (
    key uuid NOT NULL,
    operator text NOT NULL,
    sent_at timestamp with time zone DEFAULT now() NOT NULL,
    result text
);

--
-- Name: console_links; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.console_links (
    hash bytea NOT NULL,
    role text NOT NULL,
    created_by text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT console_links_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text])))
);

--
-- Name: console_sessions; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.console_sessions (
    hash bytea NOT NULL,
    operator text NOT NULL,
    role text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT console_sessions_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text])))
);

--
-- Name: controls; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.controls (
    name text NOT NULL,
    value integer,
    set_by text NOT NULL,
    reason text,
    set_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT controls_name_check CHECK ((name = ANY (ARRAY['admissions'::text, 'stages'::text, 'stage:DOCUMENT_PROCESSING'::text, 'stage:STRUCTURE_ANALYSIS'::text, 'stage:STRUCTURE_GENERATION'::text, 'stage:TEXT_GENERATION'::text, 'stage:FINALIZATION'::text, 'limit'::text, 'aging'::text]))),
    CONSTRAINT controls_value CHECK (
CASE name
    WHEN 'limit'::text THEN COALESCE((value >= 1), false)
    WHEN 'aging'::text THEN COALESCE((value >= 0), false)
    ELSE (value IS NULL)
END)
);

--
-- Name: created_objects; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.created_objects (
    kind text NOT NULL,
    name text NOT NULL,
    CONSTRAINT created_objects_kind_check CHECK ((kind = ANY (ARRAY['table'::text, 'column'::text, 'type'::text, 'function'::text])))
);

--
-- Name: documents; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.documents (
    generation_id uuid NOT NULL,
    "position" integer NOT NULL,
    file_id text NOT NULL,
    name text NOT NULL,
    mime_type text NOT NULL,
    body text NOT NULL,
    headings jsonb NOT NULL,
    error text,
    title text,
    fault jsonb
);

--
-- Name: drafts; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.drafts (
    generation_id uuid NOT NULL,
    lesson_number integer NOT NULL,
    body text NOT NULL
);

--
-- Name: dynamic_limit; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.dynamic_limit (
    is_only boolean DEFAULT true NOT NULL,
    value integer NOT NULL,
    reason text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    lowered_at timestamp with time zone,
    CONSTRAINT dynamic_limit_is_only_check CHECK (is_only),
    CONSTRAINT dynamic_limit_value_check CHECK ((value >= 1))
);

--
-- Name: events; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    event_type text NOT NULL,
    severity public.metric_severity NOT NULL,
    user_id uuid,
    course_id uuid,
    job_id text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    "timestamp" timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: finished_courses; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.finished_courses (
    generation_id uuid NOT NULL,
    body text NOT NULL,
    summary jsonb NOT NULL
);

--
-- Name: idempotency_keys; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    generation_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: lessons; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.lessons (
    generation_id uuid NOT NULL,
    number integer NOT NULL,
    section_number integer NOT NULL,
    title text NOT NULL,
    goals jsonb NOT NULL,
    sources jsonb NOT NULL
);

--
-- Name: processes; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.processes (
    process text NOT NULL,
    kind text NOT NULL,
    version text NOT NULL,
    settings jsonb NOT NULL,
    places integer NOT NULL,
    cpu_pressure real,
    memory_available bigint,
    memory_total bigint,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT processes_kind_check CHECK ((kind = ANY (ARRAY['api'::text, 'console'::text, 'worker'::text])))
)
WITH (fillfactor='80');

--
-- Name: publications; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.publications (
    generation_id uuid NOT NULL,
    mode text NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL,
    result jsonb NOT NULL,
    CONSTRAINT publications_mode_check CHECK ((mode = ANY (ARRAY['fill'::text, 'replace'::text, 'draft'::text])))
);

--
-- Name: queue_migrations; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.queue_migrations (
    script text NOT NULL,
    was_there boolean NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: sections; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.sections (
    generation_id uuid NOT NULL,
    number integer NOT NULL,
    title text NOT NULL
);

--
-- Name: spending; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.spending (
    generation_id uuid NOT NULL,
    calls bigint DEFAULT 0 NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    money numeric DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

--
-- Name: stage_results; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.stage_results (
    generation_id uuid NOT NULL,
    stage coursegen.stage NOT NULL,
    attempt_id bigint NOT NULL,
    finished_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: status_changes; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.status_changes (
    old_value text NOT NULL,
    new_value text NOT NULL
);

--
-- Name: status_map; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.status_map (
    status text NOT NULL,
    column_name text,
    value text,
    is_guarded boolean NOT NULL,
    source text NOT NULL,
    CONSTRAINT status_map_column_name_check CHECK ((column_name = ANY (ARRAY['generation_status'::text, 'status'::text]))),
    CONSTRAINT status_map_value_iff_column CHECK (((value IS NULL) = (column_name IS NULL)))
);

--
-- Name: status_routes; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.status_routes (
    status text NOT NULL,
    old_value text NOT NULL,
    steps text[] NOT NULL
);

--
-- Name: tiers; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.tiers (
    tier coursegen.tier NOT NULL,
    slots integer NOT NULL,
    priority integer NOT NULL,
    CONSTRAINT tiers_priority_check CHECK (((priority >= 0) AND (priority <= 10000))),
    CONSTRAINT tiers_slots_check CHECK (((slots >= 1) AND (slots <= 10000)))
);

--
-- Name: units; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.units (
    course_id uuid NOT NULL,
    stage coursegen.stage NOT NULL,
    unit text NOT NULL,
    hash bytea NOT NULL,
    generation_id uuid,
    result jsonb NOT NULL,
    handler text NOT NULL,
    version text NOT NULL,
    model text,
    calls bigint NOT NULL,
    tokens bigint NOT NULL,
    money numeric NOT NULL,
    saved_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: webhook_attempts; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.webhook_attempts (
    id bigint NOT NULL,
    generation_id uuid NOT NULL,
    seq integer NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    ms integer NOT NULL,
    status integer,
    error text,
    excerpt text,
    CONSTRAINT webhook_attempts_status_or_error CHECK (((status IS NULL) <> (error IS NULL)))
);

--
-- Name: webhook_attempts_id_seq; Type: SEQUENCE; Schema: coursegen; Owner: -
--

ALTER TABLE coursegen.webhook_attempts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME coursegen.webhook_attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: webhook_deliveries; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.webhook_deliveries (
    generation_id uuid NOT NULL,
    seq integer NOT NULL,
    status text NOT NULL,
    step integer NOT NULL,
    percentage integer NOT NULL,
    message text NOT NULL,
    error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    state coursegen.webhook_delivery_state DEFAULT 'pending'::coursegen.webhook_delivery_state NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    give_up_at timestamp with time zone DEFAULT (now() + '1 day'::interval) NOT NULL,
    held_until timestamp with time zone,
    finished_at timestamp with time zone,
    id uuid DEFAULT gen_random_uuid(),
    CONSTRAINT webhook_deliveries_finished_iff_final CHECK (((finished_at IS NOT NULL) = (state <> 'pending'::coursegen.webhook_delivery_state))),
    CONSTRAINT webhook_deliveries_seq_check CHECK ((seq >= 1))
)
WITH (fillfactor='80');

--
-- Name: webhook_turns; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.webhook_turns (
    user_id uuid NOT NULL,
    at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

--
-- Name: workers; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.workers (
    id bigint NOT NULL,
    process text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    queues text[] NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: written_events; Type: TABLE; Schema: coursegen; Owner: -
--

CREATE TABLE coursegen.written_events (
    id uuid NOT NULL,
    "timestamp" timestamp with time zone NOT NULL
);

--
-- Name: procrastinate_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.procrastinate_events (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    type public.procrastinate_job_event_type,
    at timestamp with time zone DEFAULT now()
);

--
-- Name: procrastinate_events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.procrastinate_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: procrastinate_events_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.procrastinate_events_id_seq OWNED BY public.procrastinate_events.id;

--
-- Name: procrastinate_jobs_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.procrastinate_jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: procrastinate_jobs_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.procrastinate_jobs_id_seq OWNED BY public.procrastinate_jobs.id;

--
-- Name: procrastinate_periodic_defers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.procrastinate_periodic_defers (
    id bigint NOT NULL,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint,
    periodic_id character varying(128) DEFAULT ''::character varying NOT NULL
);

--
-- Name: procrastinate_periodic_defers_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.procrastinate_periodic_defers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: procrastinate_periodic_defers_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.procrastinate_periodic_defers_id_seq OWNED BY public.procrastinate_periodic_defers.id;

--
-- Name: procrastinate_workers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.procrastinate_workers (
    id bigint NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: procrastinate_workers_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.procrastinate_workers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.procrastinate_workers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: system_metrics; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.system_metrics (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    event_type public.metric_event_type NOT NULL,
    severity public.metric_severity NOT NULL,
    user_id uuid,
    course_id uuid,
    job_id text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    "timestamp" timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: procrastinate_events id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_events ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_events_id_seq'::regclass);

--
-- Name: procrastinate_jobs id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_jobs ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_jobs_id_seq'::regclass);

--
-- Name: procrastinate_periodic_defers id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_periodic_defers ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_periodic_defers_id_seq'::regclass);

--
-- Name: alert_checks alert_checks_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.alert_checks
    ADD CONSTRAINT alert_checks_pkey PRIMARY KEY (id);

--
-- Name: alerts alerts_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (finding);

--
-- Name: applied_functions applied_functions_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.applied_functions
    ADD CONSTRAINT applied_functions_pkey PRIMARY KEY (name, checksum);

--
-- Name: applied_migrations applied_migrations_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.applied_migrations
    ADD CONSTRAINT applied_migrations_pkey PRIMARY KEY (version);

--
-- Name: attempt_logs attempt_logs_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.attempt_logs
    ADD CONSTRAINT attempt_logs_pkey PRIMARY KEY (attempt_id);

--
-- Name: attempts attempts_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);

--
-- Name: audit audit_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

--
-- Name: briefs briefs_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.briefs
    ADD CONSTRAINT briefs_pkey PRIMARY KEY (generation_id);

--
-- Name: bulk_rows bulk_rows_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.bulk_rows
    ADD CONSTRAINT bulk_rows_pkey PRIMARY KEY (run_id, "position");

--
-- Name: bulk_runs bulk_runs_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.bulk_runs
    ADD CONSTRAINT bulk_runs_pkey PRIMARY KEY (id);

--
-- Name: console_forms console_forms_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.console_forms
    ADD CONSTRAINT console_forms_pkey PRIMARY KEY (key);

--
-- Name: console_links console_links_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.console_links
    ADD CONSTRAINT console_links_pkey PRIMARY KEY (hash);

--
-- Name: console_sessions console_sessions_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.console_sessions
    ADD CONSTRAINT console_sessions_pkey PRIMARY KEY (hash);

--
-- Name: controls controls_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.controls
    ADD CONSTRAINT controls_pkey PRIMARY KEY (name);

--
-- Name: created_objects created_objects_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.created_objects
    ADD CONSTRAINT created_objects_pkey PRIMARY KEY (kind, name);

--
-- Name: documents documents_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (generation_id, "position");

--
-- Name: drafts drafts_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.drafts
    ADD CONSTRAINT drafts_pkey PRIMARY KEY (generation_id, lesson_number);

--
-- Name: dynamic_limit dynamic_limit_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.dynamic_limit
    ADD CONSTRAINT dynamic_limit_pkey PRIMARY KEY (is_only);

--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);

--
-- Name: finished_courses finished_courses_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.finished_courses
    ADD CONSTRAINT finished_courses_pkey PRIMARY KEY (generation_id);

--
-- Name: generations generations_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.generations
    ADD CONSTRAINT generations_pkey PRIMARY KEY (id);

--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key);

--
-- Name: lessons lessons_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.lessons
    ADD CONSTRAINT lessons_pkey PRIMARY KEY (generation_id, number);

--
-- Name: processes processes_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.processes
    ADD CONSTRAINT processes_pkey PRIMARY KEY (process);

--
-- Name: publications publications_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.publications
    ADD CONSTRAINT publications_pkey PRIMARY KEY (generation_id, mode);

--
-- Name: queue_migrations queue_migrations_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.queue_migrations
    ADD CONSTRAINT queue_migrations_pkey PRIMARY KEY (script);

--
-- Name: sections sections_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.sections
    ADD CONSTRAINT sections_pkey PRIMARY KEY (generation_id, number);

--
-- Name: spending spending_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.spending
    ADD CONSTRAINT spending_pkey PRIMARY KEY (generation_id);

--
-- Name: stage_results stage_results_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.stage_results
    ADD CONSTRAINT stage_results_pkey PRIMARY KEY (generation_id, stage);

--
-- Name: status_changes status_changes_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.status_changes
    ADD CONSTRAINT status_changes_pkey PRIMARY KEY (old_value, new_value);

--
-- Name: status_map status_map_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.status_map
    ADD CONSTRAINT status_map_pkey PRIMARY KEY (status);

--
-- Name: status_routes status_routes_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.status_routes
    ADD CONSTRAINT status_routes_pkey PRIMARY KEY (status, old_value);

--
-- Name: tiers tiers_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.tiers
    ADD CONSTRAINT tiers_pkey PRIMARY KEY (tier);

--
-- Name: units units_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.units
    ADD CONSTRAINT units_pkey PRIMARY KEY (course_id, stage, unit, hash);

--
-- Name: webhook_attempts webhook_attempts_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.webhook_attempts
    ADD CONSTRAINT webhook_attempts_pkey PRIMARY KEY (id);

--
-- Name: webhook_deliveries webhook_deliveries_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (generation_id, seq);

--
-- Name: webhook_turns webhook_turns_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.webhook_turns
    ADD CONSTRAINT webhook_turns_pkey PRIMARY KEY (user_id);

--
-- Name: workers workers_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

--
-- Name: written_events written_events_pkey; Type: CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.written_events
    ADD CONSTRAINT written_events_pkey PRIMARY KEY (id);

--
-- Name: courses courses_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.courses
    ADD CONSTRAINT courses_pkey PRIMARY KEY (id);

--
-- Name: courses courses_slug_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.courses
    ADD CONSTRAINT courses_slug_key UNIQUE (slug);

--
-- Name: procrastinate_events procrastinate_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_events
    ADD CONSTRAINT procrastinate_events_pkey PRIMARY KEY (id);

--
-- Name: procrastinate_jobs procrastinate_jobs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_pkey PRIMARY KEY (id);

--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_pkey PRIMARY KEY (id);

--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp);

--
-- Name: procrastinate_workers procrastinate_workers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_workers
    ADD CONSTRAINT procrastinate_workers_pkey PRIMARY KEY (id);

--
-- Name: system_metrics system_metrics_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.system_metrics
    ADD CONSTRAINT system_metrics_pkey PRIMARY KEY (id);

--
-- Name: attempts_failed; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX attempts_failed ON coursegen.attempts USING btree (generation_id) WHERE (error IS NOT NULL);

--
-- Name: attempts_generation; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX attempts_generation ON coursegen.attempts USING btree (generation_id, stage);

--
-- Name: attempts_open; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX attempts_open ON coursegen.attempts USING btree (job_id) WHERE (outcome IS NULL);

--
-- Name: attempts_started_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX attempts_started_at ON coursegen.attempts USING brin (started_at) WITH (pages_per_range='32', autosummarize='on');

--
-- Name: audit_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX audit_at ON coursegen.audit USING btree (at DESC);

--
-- Name: audit_generation; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX audit_generation ON coursegen.audit USING btree (generation_id) WHERE (generation_id IS NOT NULL);

--
-- Name: bulk_rows_left; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX bulk_rows_left ON coursegen.bulk_rows USING btree (run_id, "position") WHERE (outcome IS NULL);

--
-- Name: bulk_runs_prepared_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX bulk_runs_prepared_at ON coursegen.bulk_runs USING btree (prepared_at);

--
-- Name: console_forms_sent_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX console_forms_sent_at ON coursegen.console_forms USING btree (sent_at);

--
-- Name: events_course; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX events_course ON coursegen.events USING btree (course_id, "timestamp" DESC) WHERE (course_id IS NOT NULL);

--
-- Name: events_timestamp; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX events_timestamp ON coursegen.events USING btree ("timestamp" DESC);

--
-- Name: events_type; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX events_type ON coursegen.events USING btree (event_type, "timestamp" DESC);

--
-- Name: generations_completed; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX generations_completed ON coursegen.generations USING btree (course_id, finished_at DESC) WHERE (status = 'completed'::coursegen.generation_status);

--
-- Name: generations_course; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX generations_course ON coursegen.generations USING btree (course_id, created_at DESC);

--
-- Name: generations_created_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX generations_created_at ON coursegen.generations USING btree (created_at);

--
-- Name: generations_ended_by; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX generations_ended_by ON coursegen.generations USING btree (ended_by, finished_at) WHERE (ended_by IS NOT NULL);

--
-- Name: generations_ended_early; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX generations_ended_early ON coursegen.generations USING btree (status, created_at DESC, id DESC) WHERE (status = ANY (ARRAY['failed'::coursegen.generation_status, 'cancelled'::coursegen.generation_status]));

--
-- Name: generations_finished_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX generations_finished_at ON coursegen.generations USING btree (finished_at) WHERE (finished_at IS NOT NULL);

--
-- Name: generations_one_active_per_course; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE UNIQUE INDEX generations_one_active_per_course ON coursegen.generations USING btree (course_id) WHERE (finished_at IS NULL);

--
-- Name: generations_retry_of; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX generations_retry_of ON coursegen.generations USING btree (retry_of) WHERE (retry_of IS NOT NULL);

--
-- Name: generations_system_slot; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE UNIQUE INDEX generations_system_slot ON coursegen.generations USING btree (system_slot) WHERE (system_slot IS NOT NULL);

--
-- Name: generations_user_created_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX generations_user_created_at ON coursegen.generations USING btree (user_id, created_at);

--
-- Name: generations_user_slot; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE UNIQUE INDEX generations_user_slot ON coursegen.generations USING btree (user_id, user_slot) WHERE (user_slot IS NOT NULL);

--
-- Name: idempotency_keys_created_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX idempotency_keys_created_at ON coursegen.idempotency_keys USING btree (created_at);

--
-- Name: units_generation; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX units_generation ON coursegen.units USING btree (generation_id);

--
-- Name: units_used_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX units_used_at ON coursegen.units USING btree (used_at);

--
-- Name: webhook_attempts_delivery; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX webhook_attempts_delivery ON coursegen.webhook_attempts USING btree (generation_id, seq);

--
-- Name: webhook_deliveries_created_at; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX webhook_deliveries_created_at ON coursegen.webhook_deliveries USING btree (created_at);

--
-- Name: webhook_deliveries_pending; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX webhook_deliveries_pending ON coursegen.webhook_deliveries USING btree (generation_id, seq) WHERE (state = 'pending'::coursegen.webhook_delivery_state);

--
-- Name: written_events_timestamp; Type: INDEX; Schema: coursegen; Owner: -
--

CREATE INDEX written_events_timestamp ON coursegen.written_events USING btree ("timestamp");

--
-- Name: idx_procrastinate_jobs_worker_not_null; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_procrastinate_jobs_worker_not_null ON public.procrastinate_jobs USING btree (worker_id) WHERE ((worker_id IS NOT NULL) AND (status = 'doing'::public.procrastinate_job_status));

--
-- Name: idx_procrastinate_workers_last_heartbeat; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_procrastinate_workers_last_heartbeat ON public.procrastinate_workers USING btree (last_heartbeat);

--
-- Name: procrastinate_events_job_id_fkey_v1; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX procrastinate_events_job_id_fkey_v1 ON public.procrastinate_events USING btree (job_id);

--
-- Name: procrastinate_jobs_id_lock_idx_v1; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON public.procrastinate_jobs USING btree (id, lock) WHERE (status = ANY (ARRAY['todo'::public.procrastinate_job_status, 'doing'::public.procrastinate_job_status]));

--
-- Name: procrastinate_jobs_lock_idx_v1; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON public.procrastinate_jobs USING btree (lock) WHERE (status = 'doing'::public.procrastinate_job_status);

--
-- Name: procrastinate_jobs_priority_idx_v1; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX procrastinate_jobs_priority_idx_v1 ON public.procrastinate_jobs USING btree (priority DESC, id) WHERE (status = 'todo'::public.procrastinate_job_status);

--
-- Name: procrastinate_jobs_queue_name_idx_v1; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON public.procrastinate_jobs USING btree (queue_name);

--
-- Name: procrastinate_jobs_queueing_lock_idx_v1; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON public.procrastinate_jobs USING btree (queueing_lock) WHERE (status = 'todo'::public.procrastinate_job_status);

--
-- Name: procrastinate_periodic_defers_job_id_fkey_v1; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON public.procrastinate_periodic_defers USING btree (job_id);

--
-- Name: system_metrics_course; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX system_metrics_course ON public.system_metrics USING btree (course_id, "timestamp" DESC) WHERE (course_id IS NOT NULL);

--
-- Name: system_metrics_event_type; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX system_metrics_event_type ON public.system_metrics USING btree (event_type, "timestamp" DESC);

--
-- Name: system_metrics_severity; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX system_metrics_severity ON public.system_metrics USING btree (severity, "timestamp" DESC);

--
-- Name: system_metrics_timestamp; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX system_metrics_timestamp ON public.system_metrics USING btree ("timestamp" DESC);

--
-- Name: procrastinate_jobs procrastinate_jobs_notify_queue_job_aborted_v1; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 AFTER UPDATE OF abort_requested ON public.procrastinate_jobs FOR EACH ROW WHEN (((old.abort_requested = false) AND (new.abort_requested = true) AND (new.status = 'doing'::public.procrastinate_job_status))) EXECUTE FUNCTION public.procrastinate_notify_queue_abort_job_v1();

--
-- Name: procrastinate_jobs procrastinate_jobs_notify_queue_job_inserted_v1; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 AFTER INSERT ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::public.procrastinate_job_status)) EXECUTE FUNCTION public.procrastinate_notify_queue_job_inserted_v1();

--
-- Name: procrastinate_jobs procrastinate_trigger_abort_requested_events_v1; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1 AFTER UPDATE OF abort_requested ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.abort_requested = true)) EXECUTE FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1();

--
-- Name: procrastinate_jobs procrastinate_trigger_delete_jobs_v1; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER procrastinate_trigger_delete_jobs_v1 BEFORE DELETE ON public.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION public.procrastinate_unlink_periodic_defers_v1();

--
-- Name: procrastinate_jobs procrastinate_trigger_scheduled_events_v1; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER procrastinate_trigger_scheduled_events_v1 AFTER INSERT OR UPDATE ON public.procrastinate_jobs FOR EACH ROW WHEN (((new.scheduled_at IS NOT NULL) AND (new.status = 'todo'::public.procrastinate_job_status))) EXECUTE FUNCTION public.procrastinate_trigger_function_scheduled_events_v1();

--
-- Name: procrastinate_jobs procrastinate_trigger_status_events_insert_v1; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER procrastinate_trigger_status_events_insert_v1 AFTER INSERT ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::public.procrastinate_job_status)) EXECUTE FUNCTION public.procrastinate_trigger_function_status_events_insert_v1();

--
-- Name: procrastinate_jobs procrastinate_trigger_status_events_update_v1; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER procrastinate_trigger_status_events_update_v1 AFTER UPDATE OF status ON public.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION public.procrastinate_trigger_function_status_events_update_v1();

--
-- Name: attempt_logs attempt_logs_attempt_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.attempt_logs
    ADD CONSTRAINT attempt_logs_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES coursegen.attempts(id) ON DELETE CASCADE;

--
-- Name: attempts attempts_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.attempts
    ADD CONSTRAINT attempts_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: briefs briefs_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.briefs
    ADD CONSTRAINT briefs_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: bulk_rows bulk_rows_run_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.bulk_rows
    ADD CONSTRAINT bulk_rows_run_id_fkey FOREIGN KEY (run_id) REFERENCES coursegen.bulk_runs(id) ON DELETE CASCADE;

--
-- Name: documents documents_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.documents
    ADD CONSTRAINT documents_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: drafts drafts_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.drafts
    ADD CONSTRAINT drafts_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: drafts drafts_generation_id_lesson_number_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.drafts
    ADD CONSTRAINT drafts_generation_id_lesson_number_fkey FOREIGN KEY (generation_id, lesson_number) REFERENCES coursegen.lessons(generation_id, number) ON DELETE CASCADE;

--
-- Name: finished_courses finished_courses_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.finished_courses
    ADD CONSTRAINT finished_courses_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: generations generations_course_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.generations
    ADD CONSTRAINT generations_course_id_fkey FOREIGN KEY (course_id) REFERENCES public.courses(id) ON DELETE CASCADE;

--
-- Name: generations generations_retry_of_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.generations
    ADD CONSTRAINT generations_retry_of_fkey FOREIGN KEY (retry_of) REFERENCES coursegen.generations(id) ON DELETE SET NULL;

--
-- Name: lessons lessons_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.lessons
    ADD CONSTRAINT lessons_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: lessons lessons_generation_id_section_number_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.lessons
    ADD CONSTRAINT lessons_generation_id_section_number_fkey FOREIGN KEY (generation_id, section_number) REFERENCES coursegen.sections(generation_id, number) ON DELETE CASCADE;

--
-- Name: publications publications_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.publications
    ADD CONSTRAINT publications_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: sections sections_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.sections
    ADD CONSTRAINT sections_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: spending spending_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.spending
    ADD CONSTRAINT spending_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: stage_results stage_results_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.stage_results
    ADD CONSTRAINT stage_results_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: status_routes status_routes_status_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.status_routes
    ADD CONSTRAINT status_routes_status_fkey FOREIGN KEY (status) REFERENCES coursegen.status_map(status) ON DELETE CASCADE;

--
-- Name: units units_course_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.units
    ADD CONSTRAINT units_course_id_fkey FOREIGN KEY (course_id) REFERENCES public.courses(id) ON DELETE CASCADE;

--
-- Name: units units_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.units
    ADD CONSTRAINT units_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE SET NULL;

--
-- Name: webhook_attempts webhook_attempts_generation_id_seq_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.webhook_attempts
    ADD CONSTRAINT webhook_attempts_generation_id_seq_fkey FOREIGN KEY (generation_id, seq) REFERENCES coursegen.webhook_deliveries(generation_id, seq) ON DELETE CASCADE;

--
-- Name: webhook_deliveries webhook_deliveries_generation_id_fkey; Type: FK CONSTRAINT; Schema: coursegen; Owner: -
--

ALTER TABLE ONLY coursegen.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_generation_id_fkey FOREIGN KEY (generation_id) REFERENCES coursegen.generations(id) ON DELETE CASCADE;

--
-- Name: procrastinate_events procrastinate_events_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_events
    ADD CONSTRAINT procrastinate_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.procrastinate_jobs(id) ON DELETE CASCADE;

--
-- Name: procrastinate_jobs procrastinate_jobs_worker_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES public.procrastinate_workers(id) ON DELETE SET NULL;

--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.procrastinate_jobs(id);

--
-- Name: courses coursegen_service; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY coursegen_service ON public.courses TO coursegen_app USING (true);

--
-- Name: system_metrics coursegen_service; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY coursegen_service ON public.system_metrics TO coursegen_app USING (true);

--
-- Name: courses; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.courses ENABLE ROW LEVEL SECURITY;

--
-- Name: system_metrics; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.system_metrics ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA coursegen; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA coursegen TO coursegen_app;

--
-- Name: FUNCTION add_result_metadata(p_generation_id uuid, p_stage text, p_result json, p_changes jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.add_result_metadata(p_generation_id uuid, p_stage text, p_result json, p_changes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.add_result_metadata(p_generation_id uuid, p_stage text, p_result json, p_changes jsonb) TO coursegen_app;

--
-- Name: FUNCTION admit_generations_v1(p_requests jsonb, p_wait boolean); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.admit_generations_v1(p_requests jsonb, p_wait boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.admit_generations_v1(p_requests jsonb, p_wait boolean) TO coursegen_app;

--
-- Name: FUNCTION admit_generations_v2(p_requests jsonb, p_wait boolean); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.admit_generations_v2(p_requests jsonb, p_wait boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.admit_generations_v2(p_requests jsonb, p_wait boolean) TO coursegen_app;

--
-- Name: FUNCTION age_generations_v1(p_span_s double precision, p_batch integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.age_generations_v1(p_span_s double precision, p_batch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.age_generations_v1(p_span_s double precision, p_batch integer) TO coursegen_app;

--
-- Name: FUNCTION aged_priority(p_tier coursegen.tier, p_waited_s double precision, p_span_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.aged_priority(p_tier coursegen.tier, p_waited_s double precision, p_span_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.aged_priority(p_tier coursegen.tier, p_waited_s double precision, p_span_s double precision) TO coursegen_app;

--
-- Name: FUNCTION announce(p_generation_id uuid, p_status text, p_error text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.announce(p_generation_id uuid, p_status text, p_error text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.announce(p_generation_id uuid, p_status text, p_error text) TO coursegen_app;

--
-- Name: FUNCTION begin_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_change jsonb, p_status text, p_needs text[], p_first_change jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.begin_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_change jsonb, p_status text, p_needs text[], p_first_change jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.begin_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_change jsonb, p_status text, p_needs text[], p_first_change jsonb) TO coursegen_app;

--
-- Name: FUNCTION blank_course_steps(p_has_documents boolean); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.blank_course_steps(p_has_documents boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.blank_course_steps(p_has_documents boolean) TO coursegen_app;

--
-- Name: FUNCTION cancel_delivery_job(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.cancel_delivery_job(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.cancel_delivery_job(p_generation_id uuid) TO coursegen_app;

--
-- Name: TABLE generations; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.generations TO coursegen_app;

--
-- Name: FUNCTION cancel_generation(g coursegen.generations, p_message text, p_ended_by text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.cancel_generation(g coursegen.generations, p_message text, p_ended_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.cancel_generation(g coursegen.generations, p_message text, p_ended_by text) TO coursegen_app;

--
-- Name: FUNCTION cancel_generation_v1(p_course_id uuid, p_message text, p_ended_by text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.cancel_generation_v1(p_course_id uuid, p_message text, p_ended_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.cancel_generation_v1(p_course_id uuid, p_message text, p_ended_by text) TO coursegen_app;

--
-- Name: FUNCTION carry_over_results(p_failed_id uuid, p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.carry_over_results(p_failed_id uuid, p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.carry_over_results(p_failed_id uuid, p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION changed_progress(p_progress jsonb, p_changes jsonb, p_now timestamp with time zone); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.changed_progress(p_progress jsonb, p_changes jsonb, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.changed_progress(p_progress jsonb, p_changes jsonb, p_now timestamp with time zone) TO coursegen_app;

--
-- Name: FUNCTION claim_alert_v1(p_hold_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.claim_alert_v1(p_hold_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.claim_alert_v1(p_hold_s double precision) TO coursegen_app;

--
-- Name: FUNCTION claim_delivery_v1(p_generation_id uuid, p_hold_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.claim_delivery_v1(p_generation_id uuid, p_hold_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.claim_delivery_v1(p_generation_id uuid, p_hold_s double precision) TO coursegen_app;

--
-- Name: FUNCTION claim_delivery_v2(p_generation_id uuid, p_hold_s double precision, p_share integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.claim_delivery_v2(p_generation_id uuid, p_hold_s double precision, p_share integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.claim_delivery_v2(p_generation_id uuid, p_hold_s double precision, p_share integer) TO coursegen_app;

--
-- Name: FUNCTION claim_delivery_v3(p_generation_id uuid, p_hold_s double precision, p_share integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.claim_delivery_v3(p_generation_id uuid, p_hold_s double precision, p_share integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.claim_delivery_v3(p_generation_id uuid, p_hold_s double precision, p_share integer) TO coursegen_app;

--
-- Name: FUNCTION claim_idempotency_key(p_user_id uuid, p_key text, p_fingerprint text, OUT outcome text, OUT generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.claim_idempotency_key(p_user_id uuid, p_key text, p_fingerprint text, OUT outcome text, OUT generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.claim_idempotency_key(p_user_id uuid, p_key text, p_fingerprint text, OUT outcome text, OUT generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION close_attempt(p_attempt_id bigint, p_outcome text, p_error text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.close_attempt(p_attempt_id bigint, p_outcome text, p_error text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.close_attempt(p_attempt_id bigint, p_outcome text, p_error text) TO coursegen_app;

--
-- Name: FUNCTION close_attempt_v1(p_attempt_id bigint, p_outcome text, p_error text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.close_attempt_v1(p_attempt_id bigint, p_outcome text, p_error text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.close_attempt_v1(p_attempt_id bigint, p_outcome text, p_error text) TO coursegen_app;

--
-- Name: FUNCTION complete_stage_v1(p_generation_id uuid, p_fence integer, p_stage text, p_attempt_id bigint, p_job_id bigint, p_worker text, p_result json, p_changes jsonb, p_status text, p_next jsonb, p_continue boolean); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.complete_stage_v1(p_generation_id uuid, p_fence integer, p_stage text, p_attempt_id bigint, p_job_id bigint, p_worker text, p_result json, p_changes jsonb, p_status text, p_next jsonb, p_continue boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.complete_stage_v1(p_generation_id uuid, p_fence integer, p_stage text, p_attempt_id bigint, p_job_id bigint, p_worker text, p_result json, p_changes jsonb, p_status text, p_next jsonb, p_continue boolean) TO coursegen_app;

--
-- Name: FUNCTION count_old_stack_v1(); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.count_old_stack_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.count_old_stack_v1() TO coursegen_app;

--
-- Name: FUNCTION count_start_v1(p_generation_id uuid, p_fence integer, p_job_id bigint, p_worker text, p_stages jsonb, p_exhausted text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.count_start_v1(p_generation_id uuid, p_fence integer, p_job_id bigint, p_worker text, p_stages jsonb, p_exhausted text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.count_start_v1(p_generation_id uuid, p_fence integer, p_job_id bigint, p_worker text, p_stages jsonb, p_exhausted text) TO coursegen_app;

--
-- Name: FUNCTION count_starts(p_generation_id uuid, p_stage coursegen.stage); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.count_starts(p_generation_id uuid, p_stage coursegen.stage) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.count_starts(p_generation_id uuid, p_stage coursegen.stage) TO coursegen_app;

--
-- Name: FUNCTION course_files(p_course_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.course_files(p_course_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.course_files(p_course_id uuid) TO coursegen_app;

--
-- Name: TABLE courses; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.courses TO coursegen_app;

--
-- Name: COLUMN courses.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.courses TO coursegen_app;

--
-- Name: FUNCTION course_generation_status(c public.courses); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.course_generation_status(c public.courses) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.course_generation_status(c public.courses) TO coursegen_app;

--
-- Name: FUNCTION end_generation(p_generation_id uuid, p_status text, p_changes jsonb, p_ended_by text, p_error text, p_error_details jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.end_generation(p_generation_id uuid, p_status text, p_changes jsonb, p_ended_by text, p_error text, p_error_details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.end_generation(p_generation_id uuid, p_status text, p_changes jsonb, p_ended_by text, p_error text, p_error_details jsonb) TO coursegen_app;

--
-- Name: FUNCTION event_type_named_v1(p_name text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.event_type_named_v1(p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.event_type_named_v1(p_name text) TO coursegen_app;

--
-- Name: FUNCTION fail_generation(g coursegen.generations, p_step text, p_error text, p_details jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.fail_generation(g coursegen.generations, p_step text, p_error text, p_details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.fail_generation(g coursegen.generations, p_step text, p_error text, p_details jsonb) TO coursegen_app;

--
-- Name: FUNCTION fail_or_retry_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_outcome text, p_error text, p_final boolean, p_most_starts integer, p_backoff_s double precision, p_step text, p_message text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.fail_or_retry_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_outcome text, p_error text, p_final boolean, p_most_starts integer, p_backoff_s double precision, p_step text, p_message text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.fail_or_retry_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_outcome text, p_error text, p_final boolean, p_most_starts integer, p_backoff_s double precision, p_step text, p_message text) TO coursegen_app;

--
-- Name: FUNCTION failure_cause_v1(generation coursegen.generations); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.failure_cause_v1(generation coursegen.generations) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.failure_cause_v1(generation coursegen.generations) TO coursegen_app;

--
-- Name: FUNCTION find_unit_v1(p_generation_id uuid, p_fence integer, p_stage text, p_unit text, p_hash bytea); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.find_unit_v1(p_generation_id uuid, p_fence integer, p_stage text, p_unit text, p_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.find_unit_v1(p_generation_id uuid, p_fence integer, p_stage text, p_unit text, p_hash bytea) TO coursegen_app;

--
-- Name: FUNCTION finish_alert_v1(p_finding text, p_held_until timestamp with time zone, p_event text, p_wait_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.finish_alert_v1(p_finding text, p_held_until timestamp with time zone, p_event text, p_wait_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.finish_alert_v1(p_finding text, p_held_until timestamp with time zone, p_event text, p_wait_s double precision) TO coursegen_app;

--
-- Name: FUNCTION finish_delivery_v1(p_generation_id uuid, p_seq integer, p_held_until timestamp with time zone, p_state text, p_wait_s double precision, p_attempt jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.finish_delivery_v1(p_generation_id uuid, p_seq integer, p_held_until timestamp with time zone, p_state text, p_wait_s double precision, p_attempt jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.finish_delivery_v1(p_generation_id uuid, p_seq integer, p_held_until timestamp with time zone, p_state text, p_wait_s double precision, p_attempt jsonb) TO coursegen_app;

--
-- Name: FUNCTION furthest_step(p_steps jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.furthest_step(p_steps jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.furthest_step(p_steps jsonb) TO coursegen_app;

--
-- Name: FUNCTION generation_jobs(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.generation_jobs(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.generation_jobs(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION generation_jobs_v1(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.generation_jobs_v1(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.generation_jobs_v1(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION hand_back_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_outcome text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.hand_back_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_outcome text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.hand_back_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_outcome text) TO coursegen_app;

--
-- Name: FUNCTION has_documents(p_progress jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.has_documents(p_progress jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.has_documents(p_progress jsonb) TO coursegen_app;

--
-- Name: FUNCTION has_status_history(); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.has_status_history() FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.has_status_history() TO coursegen_app;

--
-- Name: FUNCTION hold_controls(); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.hold_controls() FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.hold_controls() TO coursegen_app;

--
-- Name: FUNCTION holds_fence_v1(g coursegen.generations, p_fence integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.holds_fence_v1(g coursegen.generations, p_fence integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.holds_fence_v1(g coursegen.generations, p_fence integer) TO coursegen_app;

--
-- Name: FUNCTION idle_s_v1(generation coursegen.generations); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.idle_s_v1(generation coursegen.generations) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.idle_s_v1(generation coursegen.generations) TO coursegen_app;

--
-- Name: FUNCTION insert_events_v1(p_events jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.insert_events_v1(p_events jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.insert_events_v1(p_events jsonb) TO coursegen_app;

--
-- Name: FUNCTION is_generation_status(p_status text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.is_generation_status(p_status text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.is_generation_status(p_status text) TO coursegen_app;

--
-- Name: FUNCTION is_malformed_progress(p_progress jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.is_malformed_progress(p_progress jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.is_malformed_progress(p_progress jsonb) TO coursegen_app;

--
-- Name: TABLE procrastinate_jobs; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.procrastinate_jobs TO coursegen_app;

--
-- Name: FUNCTION is_orphaned(job public.procrastinate_jobs, p_stalled_s double precision, p_stages jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.is_orphaned(job public.procrastinate_jobs, p_stalled_s double precision, p_stages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.is_orphaned(job public.procrastinate_jobs, p_stalled_s double precision, p_stages jsonb) TO coursegen_app;

--
-- Name: FUNCTION is_orphaned_v1(job public.procrastinate_jobs, p_stalled_s double precision, p_stages jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.is_orphaned_v1(job public.procrastinate_jobs, p_stalled_s double precision, p_stages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.is_orphaned_v1(job public.procrastinate_jobs, p_stalled_s double precision, p_stages jsonb) TO coursegen_app;

--
-- Name: FUNCTION is_stage_full(g coursegen.generations, p_at_once integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.is_stage_full(g coursegen.generations, p_at_once integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.is_stage_full(g coursegen.generations, p_at_once integer) TO coursegen_app;

--
-- Name: FUNCTION is_with_old_stack(p_course_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.is_with_old_stack(p_course_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.is_with_old_stack(p_course_id uuid) TO coursegen_app;

--
-- Name: FUNCTION keep_attempt_log_v1(p_attempt_id bigint, p_lines text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.keep_attempt_log_v1(p_attempt_id bigint, p_lines text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.keep_attempt_log_v1(p_attempt_id bigint, p_lines text) TO coursegen_app;

--
-- Name: FUNCTION keep_process_v1(p_process text, p_kind text, p_version text, p_settings jsonb, p_places integer, p_cpu_pressure double precision, p_memory_available bigint, p_memory_total bigint, p_is_new boolean); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.keep_process_v1(p_process text, p_kind text, p_version text, p_settings jsonb, p_places integer, p_cpu_pressure double precision, p_memory_available bigint, p_memory_total bigint, p_is_new boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.keep_process_v1(p_process text, p_kind text, p_version text, p_settings jsonb, p_places integer, p_cpu_pressure double precision, p_memory_available bigint, p_memory_total bigint, p_is_new boolean) TO coursegen_app;

--
-- Name: FUNCTION keep_worker_v1(p_id bigint, p_process text, p_name text, p_version text, p_queues text[], p_jobs bigint[], OUT outcome text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.keep_worker_v1(p_id bigint, p_process text, p_name text, p_version text, p_queues text[], p_jobs bigint[], OUT outcome text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.keep_worker_v1(p_id bigint, p_process text, p_name text, p_version text, p_queues text[], p_jobs bigint[], OUT outcome text) TO coursegen_app;

--
-- Name: FUNCTION lesson_count(p_value jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.lesson_count(p_value jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.lesson_count(p_value jsonb) TO coursegen_app;

--
-- Name: FUNCTION limit_in_force_v1(p_limit integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.limit_in_force_v1(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.limit_in_force_v1(p_limit integer) TO coursegen_app;

--
-- Name: FUNCTION list_aging_v1(p_span_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.list_aging_v1(p_span_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.list_aging_v1(p_span_s double precision) TO coursegen_app;

--
-- Name: FUNCTION list_blockers_v1(p_open_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.list_blockers_v1(p_open_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.list_blockers_v1(p_open_s double precision) TO coursegen_app;

--
-- Name: FUNCTION list_old_stack_ends_v1(p_since timestamp with time zone); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.list_old_stack_ends_v1(p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.list_old_stack_ends_v1(p_since timestamp with time zone) TO coursegen_app;

--
-- Name: FUNCTION list_webhook_heads_v1(); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.list_webhook_heads_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.list_webhook_heads_v1() TO coursegen_app;

--
-- Name: FUNCTION live_places_v1(p_stalled_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.live_places_v1(p_stalled_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.live_places_v1(p_stalled_s double precision) TO coursegen_app;

--
-- Name: FUNCTION live_workers_v1(p_queue text, p_stalled_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.live_workers_v1(p_queue text, p_stalled_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.live_workers_v1(p_queue text, p_stalled_s double precision) TO coursegen_app;

--
-- Name: FUNCTION lock_controls_v1(); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.lock_controls_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.lock_controls_v1() TO coursegen_app;

--
-- Name: FUNCTION lock_generation(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.lock_generation(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.lock_generation(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION move_limit_v1(p_from integer, p_to integer, p_reason text, p_facts jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.move_limit_v1(p_from integer, p_to integer, p_reason text, p_facts jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.move_limit_v1(p_from integer, p_to integer, p_reason text, p_facts jsonb) TO coursegen_app;

--
-- Name: FUNCTION note_findings_v1(p_found jsonb, p_after_s double precision, p_gap jsonb, p_gap_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.note_findings_v1(p_found jsonb, p_after_s double precision, p_gap jsonb, p_gap_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.note_findings_v1(p_found jsonb, p_after_s double precision, p_gap jsonb, p_gap_s double precision) TO coursegen_app;

--
-- Name: FUNCTION old_stack_column(); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.old_stack_column() FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.old_stack_column() TO coursegen_app;

--
-- Name: FUNCTION old_stack_end(p_course_id uuid, p_value text, p_at timestamp with time zone); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.old_stack_end(p_course_id uuid, p_value text, p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.old_stack_end(p_course_id uuid, p_value text, p_at timestamp with time zone) TO coursegen_app;

--
-- Name: FUNCTION old_stack_values(); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.old_stack_values() FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.old_stack_values() TO coursegen_app;

--
-- Name: FUNCTION pause_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_pause_s double precision, p_backoff_s double precision, p_most_s double precision, p_why text, p_waiting text, p_step text, p_message text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.pause_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_pause_s double precision, p_backoff_s double precision, p_most_s double precision, p_why text, p_waiting text, p_step text, p_message text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.pause_stage_v1(p_generation_id uuid, p_fence integer, p_attempt_id bigint, p_pause_s double precision, p_backoff_s double precision, p_most_s double precision, p_why text, p_waiting text, p_step text, p_message text) TO coursegen_app;

--
-- Name: FUNCTION pick_slots(p_user_id uuid, p_user_limit integer, p_system_limit integer, OUT user_slot integer, OUT system_slot integer, OUT user_active integer, OUT system_active integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.pick_slots(p_user_id uuid, p_user_limit integer, p_system_limit integer, OUT user_slot integer, OUT system_slot integer, OUT user_active integer, OUT system_active integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.pick_slots(p_user_id uuid, p_user_limit integer, p_system_limit integer, OUT user_slot integer, OUT system_slot integer, OUT user_active integer, OUT system_active integer) TO coursegen_app;

--
-- Name: FUNCTION platform_files(p_course_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.platform_files(p_course_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.platform_files(p_course_id uuid) TO coursegen_app;

--
-- Name: FUNCTION platform_tier(p_user_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.platform_tier(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.platform_tier(p_user_id uuid) TO coursegen_app;

--
-- Name: FUNCTION poll_course_v1(p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s double precision, p_stalled_s double precision, OUT outcome text, OUT course_id uuid, OUT user_id uuid, OUT tag text, OUT slug text, OUT status text, OUT generation_status text, OUT progress text, OUT created_at text, OUT updated_at text, OUT minutes integer, OUT is_stuck boolean, OUT queue_position integer, OUT worker_alive boolean); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.poll_course_v1(p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s double precision, p_stalled_s double precision, OUT outcome text, OUT course_id uuid, OUT user_id uuid, OUT tag text, OUT slug text, OUT status text, OUT generation_status text, OUT progress text, OUT created_at text, OUT updated_at text, OUT minutes integer, OUT is_stuck boolean, OUT queue_position integer, OUT worker_alive boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.poll_course_v1(p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s double precision, p_stalled_s double precision, OUT outcome text, OUT course_id uuid, OUT user_id uuid, OUT tag text, OUT slug text, OUT status text, OUT generation_status text, OUT progress text, OUT created_at text, OUT updated_at text, OUT minutes integer, OUT is_stuck boolean, OUT queue_position integer, OUT worker_alive boolean) TO coursegen_app;

--
-- Name: FUNCTION poll_course_v2(p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s double precision, p_stalled_s double precision, OUT outcome text, OUT course_id uuid, OUT user_id uuid, OUT organization_id uuid, OUT tag text, OUT slug text, OUT status text, OUT generation_status text, OUT progress text, OUT created_at text, OUT updated_at text, OUT minutes integer, OUT is_stuck boolean, OUT queue_position integer, OUT worker_alive boolean); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.poll_course_v2(p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s double precision, p_stalled_s double precision, OUT outcome text, OUT course_id uuid, OUT user_id uuid, OUT organization_id uuid, OUT tag text, OUT slug text, OUT status text, OUT generation_status text, OUT progress text, OUT created_at text, OUT updated_at text, OUT minutes integer, OUT is_stuck boolean, OUT queue_position integer, OUT worker_alive boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.poll_course_v2(p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s double precision, p_stalled_s double precision, OUT outcome text, OUT course_id uuid, OUT user_id uuid, OUT organization_id uuid, OUT tag text, OUT slug text, OUT status text, OUT generation_status text, OUT progress text, OUT created_at text, OUT updated_at text, OUT minutes integer, OUT is_stuck boolean, OUT queue_position integer, OUT worker_alive boolean) TO coursegen_app;

--
-- Name: FUNCTION publish_course(p_generation_id uuid, p_mode text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.publish_course(p_generation_id uuid, p_mode text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.publish_course(p_generation_id uuid, p_mode text) TO coursegen_app;

--
-- Name: FUNCTION publish_v1(p_generation_id uuid, p_mode text, p_again boolean); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.publish_v1(p_generation_id uuid, p_mode text, p_again boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.publish_v1(p_generation_id uuid, p_mode text, p_again boolean) TO coursegen_app;

--
-- Name: FUNCTION rate_wait_v1(p_user_id uuid, p_limit integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.rate_wait_v1(p_user_id uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.rate_wait_v1(p_user_id uuid, p_limit integer) TO coursegen_app;

--
-- Name: FUNCTION read_content_v1(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.read_content_v1(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.read_content_v1(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION read_documents(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.read_documents(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.read_documents(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION read_sections(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.read_sections(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.read_sections(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION read_situation_v1(p_stalled_s double precision, p_window_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.read_situation_v1(p_stalled_s double precision, p_window_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.read_situation_v1(p_stalled_s double precision, p_window_s double precision) TO coursegen_app;

--
-- Name: FUNCTION read_stage_input(g coursegen.generations, p_needs text[]); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.read_stage_input(g coursegen.generations, p_needs text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.read_stage_input(g coursegen.generations, p_needs text[]) TO coursegen_app;

--
-- Name: FUNCTION read_status_value(p_course_id uuid, p_column text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.read_status_value(p_course_id uuid, p_column text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.read_status_value(p_course_id uuid, p_column text) TO coursegen_app;

--
-- Name: FUNCTION read_stopped_v1(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.read_stopped_v1(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.read_stopped_v1(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION record_event(g coursegen.generations, p_type text, p_severity text, p_metadata jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.record_event(g coursegen.generations, p_type text, p_severity text, p_metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.record_event(g coursegen.generations, p_type text, p_severity text, p_metadata jsonb) TO coursegen_app;

--
-- Name: FUNCTION record_limit_change(p_metadata jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.record_limit_change(p_metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.record_limit_change(p_metadata jsonb) TO coursegen_app;

--
-- Name: FUNCTION record_own_event(p_type text, p_severity text, p_generation_id uuid, p_metadata jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.record_own_event(p_type text, p_severity text, p_generation_id uuid, p_metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.record_own_event(p_type text, p_severity text, p_generation_id uuid, p_metadata jsonb) TO coursegen_app;

--
-- Name: FUNCTION record_reader_faults_v1(p_generation_id uuid, p_faults jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.record_reader_faults_v1(p_generation_id uuid, p_faults jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.record_reader_faults_v1(p_generation_id uuid, p_faults jsonb) TO coursegen_app;

--
-- Name: FUNCTION record_refusal(p_course_id uuid, p_status text, p_old_value text, p_error text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.record_refusal(p_course_id uuid, p_status text, p_old_value text, p_error text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.record_refusal(p_course_id uuid, p_status text, p_old_value text, p_error text) TO coursegen_app;

--
-- Name: FUNCTION report_units_v1(p_generation_id uuid, p_fence integer, p_stage text, p_change jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.report_units_v1(p_generation_id uuid, p_fence integer, p_stage text, p_change jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.report_units_v1(p_generation_id uuid, p_fence integer, p_stage text, p_change jsonb) TO coursegen_app;

--
-- Name: FUNCTION requeue_stage(p_generation_id uuid, p_delay_s double precision, p_lock text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.requeue_stage(p_generation_id uuid, p_delay_s double precision, p_lock text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.requeue_stage(p_generation_id uuid, p_delay_s double precision, p_lock text) TO coursegen_app;

--
-- Name: FUNCTION rescue_delivery_v1(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.rescue_delivery_v1(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.rescue_delivery_v1(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION resend_deliveries_v1(p_generation_id uuid, p_seq integer, p_actor text, p_reason text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.resend_deliveries_v1(p_generation_id uuid, p_seq integer, p_actor text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.resend_deliveries_v1(p_generation_id uuid, p_seq integer, p_actor text, p_reason text) TO coursegen_app;

--
-- Name: FUNCTION reset_course_progress(p_course_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.reset_course_progress(p_course_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.reset_course_progress(p_course_id uuid) TO coursegen_app;

--
-- Name: FUNCTION save_unit_v1(p_generation_id uuid, p_fence integer, p_stage text, p_unit text, p_hash bytea, p_result jsonb, p_handler text, p_version text, p_model text, p_calls bigint, p_tokens bigint, p_money numeric); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.save_unit_v1(p_generation_id uuid, p_fence integer, p_stage text, p_unit text, p_hash bytea, p_result jsonb, p_handler text, p_version text, p_model text, p_calls bigint, p_tokens bigint, p_money numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.save_unit_v1(p_generation_id uuid, p_fence integer, p_stage text, p_unit text, p_hash bytea, p_result jsonb, p_handler text, p_version text, p_model text, p_calls bigint, p_tokens bigint, p_money numeric) TO coursegen_app;

--
-- Name: FUNCTION schedule_delivery(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.schedule_delivery(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.schedule_delivery(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION set_course_status(p_course_id uuid, p_status text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.set_course_status(p_course_id uuid, p_status text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.set_course_status(p_course_id uuid, p_status text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb) TO coursegen_app;

--
-- Name: FUNCTION set_priority_v1(p_generation_id uuid, p_priority integer, p_actor text, p_reason text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.set_priority_v1(p_generation_id uuid, p_priority integer, p_actor text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.set_priority_v1(p_generation_id uuid, p_priority integer, p_actor text, p_reason text) TO coursegen_app;

--
-- Name: FUNCTION settle_generation_v1(p_generation_id uuid, p_message text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.settle_generation_v1(p_generation_id uuid, p_message text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.settle_generation_v1(p_generation_id uuid, p_message text) TO coursegen_app;

--
-- Name: FUNCTION shown_status_v1(p_course_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.shown_status_v1(p_course_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.shown_status_v1(p_course_id uuid) TO coursegen_app;

--
-- Name: FUNCTION skip_refused(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.skip_refused(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.skip_refused(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION spend_v1(p_generation_id uuid, p_fence integer, p_calls bigint, p_tokens bigint, p_money numeric, p_budget jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.spend_v1(p_generation_id uuid, p_fence integer, p_calls bigint, p_tokens bigint, p_money numeric, p_budget jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.spend_v1(p_generation_id uuid, p_fence integer, p_calls bigint, p_tokens bigint, p_money numeric, p_budget jsonb) TO coursegen_app;

--
-- Name: FUNCTION stage_job(g coursegen.generations, p_delay_s double precision, p_lock text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.stage_job(g coursegen.generations, p_delay_s double precision, p_lock text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.stage_job(g coursegen.generations, p_delay_s double precision, p_lock text) TO coursegen_app;

--
-- Name: FUNCTION stage_status(p_stage coursegen.stage); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.stage_status(p_stage coursegen.stage) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.stage_status(p_stage coursegen.stage) TO coursegen_app;

--
-- Name: FUNCTION stage_step(p_stage coursegen.stage); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.stage_step(p_stage coursegen.stage) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.stage_step(p_stage coursegen.stage) TO coursegen_app;

--
-- Name: FUNCTION stopped_texts_v1(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.stopped_texts_v1(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.stopped_texts_v1(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION store_stage_result(p_generation_id uuid, p_stage text, p_result json); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.store_stage_result(p_generation_id uuid, p_stage text, p_result json) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.store_stage_result(p_generation_id uuid, p_stage text, p_result json) TO coursegen_app;

--
-- Name: FUNCTION stuck_s_v1(generation coursegen.generations, p_least_s double precision); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.stuck_s_v1(generation coursegen.generations, p_least_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.stuck_s_v1(generation coursegen.generations, p_least_s double precision) TO coursegen_app;

--
-- Name: FUNCTION take_over_stage_v1(p_generation_id uuid, p_job_id bigint, p_stalled_s double precision, p_stages jsonb, p_suspects_lock text, p_exhausted text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.take_over_stage_v1(p_generation_id uuid, p_job_id bigint, p_stalled_s double precision, p_stages jsonb, p_suspects_lock text, p_exhausted text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.take_over_stage_v1(p_generation_id uuid, p_job_id bigint, p_stalled_s double precision, p_stages jsonb, p_suspects_lock text, p_exhausted text) TO coursegen_app;

--
-- Name: FUNCTION unread_documents(p_generation_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.unread_documents(p_generation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.unread_documents(p_generation_id uuid) TO coursegen_app;

--
-- Name: FUNCTION update_course_progress(p_course_id uuid, p_step_id integer, p_status text, p_message text, p_error_message text, p_error_details jsonb, p_metadata jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.update_course_progress(p_course_id uuid, p_step_id integer, p_status text, p_message text, p_error_message text, p_error_details jsonb, p_metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.update_course_progress(p_course_id uuid, p_step_id integer, p_status text, p_message text, p_error_message text, p_error_details jsonb, p_metadata jsonb) TO coursegen_app;

--
-- Name: FUNCTION user_tier(p_user_id uuid); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.user_tier(p_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.user_tier(p_user_id uuid) TO coursegen_app;

--
-- Name: FUNCTION webhook_host(p_url text); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.webhook_host(p_url text) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.webhook_host(p_url text) TO coursegen_app;

--
-- Name: FUNCTION whole_progress(p_progress jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.whole_progress(p_progress jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.whole_progress(p_progress jsonb) TO coursegen_app;

--
-- Name: FUNCTION why_stage_waits(g coursegen.generations, p_at_once integer); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.why_stage_waits(g coursegen.generations, p_at_once integer) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.why_stage_waits(g coursegen.generations, p_at_once integer) TO coursegen_app;

--
-- Name: FUNCTION write_course(p_course_id uuid, p_changes jsonb, p_status text, p_error text, p_error_details jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.write_course(p_course_id uuid, p_changes jsonb, p_status text, p_error text, p_error_details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.write_course(p_course_id uuid, p_changes jsonb, p_status text, p_error text, p_error_details jsonb) TO coursegen_app;

--
-- Name: FUNCTION write_course_row(p_course_id uuid, p_column text, p_value text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.write_course_row(p_course_id uuid, p_column text, p_value text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.write_course_row(p_course_id uuid, p_column text, p_value text, p_progress jsonb, p_starts boolean, p_ends boolean, p_error text, p_error_details jsonb) TO coursegen_app;

--
-- Name: FUNCTION write_status_values(p_course_id uuid, p_column text, p_values text[]); Type: ACL; Schema: coursegen; Owner: -
--

REVOKE ALL ON FUNCTION coursegen.write_status_values(p_course_id uuid, p_column text, p_values text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION coursegen.write_status_values(p_course_id uuid, p_column text, p_values text[]) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_defer_jobs_v1(jobs public.procrastinate_job_to_defer_v1[]); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_defer_jobs_v1(jobs public.procrastinate_job_to_defer_v1[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_defer_jobs_v1(jobs public.procrastinate_job_to_defer_v1[]) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_finish_job_v1(job_id bigint, end_status public.procrastinate_job_status, delete_job boolean); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_finish_job_v1(job_id bigint, end_status public.procrastinate_job_status, delete_job boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_finish_job_v1(job_id bigint, end_status public.procrastinate_job_status, delete_job boolean) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_notify_queue_abort_job_v1(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_notify_queue_abort_job_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_notify_queue_abort_job_v1() TO coursegen_app;

--
-- Name: FUNCTION procrastinate_notify_queue_job_inserted_v1(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_notify_queue_job_inserted_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_notify_queue_job_inserted_v1() TO coursegen_app;

--
-- Name: FUNCTION procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_register_worker_v1(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_register_worker_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_register_worker_v1() TO coursegen_app;

--
-- Name: FUNCTION procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_trigger_abort_requested_events_procedure_v1(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1() TO coursegen_app;

--
-- Name: FUNCTION procrastinate_trigger_function_scheduled_events_v1(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_trigger_function_scheduled_events_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_trigger_function_scheduled_events_v1() TO coursegen_app;

--
-- Name: FUNCTION procrastinate_trigger_function_status_events_insert_v1(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_trigger_function_status_events_insert_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_trigger_function_status_events_insert_v1() TO coursegen_app;

--
-- Name: FUNCTION procrastinate_trigger_function_status_events_update_v1(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_trigger_function_status_events_update_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_trigger_function_status_events_update_v1() TO coursegen_app;

--
-- Name: FUNCTION procrastinate_unlink_periodic_defers_v1(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_unlink_periodic_defers_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_unlink_periodic_defers_v1() TO coursegen_app;

--
-- Name: FUNCTION procrastinate_unregister_worker_v1(worker_id bigint); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_unregister_worker_v1(worker_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_unregister_worker_v1(worker_id bigint) TO coursegen_app;

--
-- Name: FUNCTION procrastinate_update_heartbeat_v1(worker_id bigint); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.procrastinate_update_heartbeat_v1(worker_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.procrastinate_update_heartbeat_v1(worker_id bigint) TO coursegen_app;

--
-- Name: FUNCTION update_course_progress(p_course_id uuid, p_step_id integer, p_status text, p_message text, p_error_message text, p_error_details jsonb, p_metadata jsonb); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.update_course_progress(p_course_id uuid, p_step_id integer, p_status text, p_message text, p_error_message text, p_error_details jsonb, p_metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.update_course_progress(p_course_id uuid, p_step_id integer, p_status text, p_message text, p_error_message text, p_error_details jsonb, p_metadata jsonb) TO coursegen_app;

--
-- Name: TABLE alert_checks; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE coursegen.alert_checks TO coursegen_app;

--
-- Name: TABLE alerts; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.alerts TO coursegen_app;

--
-- Name: TABLE applied_functions; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT ON TABLE coursegen.applied_functions TO coursegen_app;

--
-- Name: TABLE applied_migrations; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT ON TABLE coursegen.applied_migrations TO coursegen_app;

--
-- Name: TABLE attempt_logs; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE coursegen.attempt_logs TO coursegen_app;

--
-- Name: TABLE attempts; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.attempts TO coursegen_app;

--
-- Name: TABLE audit; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.audit TO coursegen_app;

--
-- Name: TABLE briefs; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.briefs TO coursegen_app;

--
-- Name: TABLE bulk_rows; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.bulk_rows TO coursegen_app;

--
-- Name: TABLE bulk_runs; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.bulk_runs TO coursegen_app;

--
-- Name: TABLE console_forms; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.console_forms TO coursegen_app;

--
-- Name: TABLE console_links; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.console_links TO coursegen_app;

--
-- Name: TABLE console_sessions; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.console_sessions TO coursegen_app;

--
-- Name: TABLE controls; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.controls TO coursegen_app;

--
-- Name: TABLE created_objects; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT ON TABLE coursegen.created_objects TO coursegen_app;

--
-- Name: TABLE documents; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.documents TO coursegen_app;

--
-- Name: TABLE drafts; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.drafts TO coursegen_app;

--
-- Name: TABLE dynamic_limit; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE coursegen.dynamic_limit TO coursegen_app;

--
-- Name: TABLE events; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,DELETE ON TABLE coursegen.events TO coursegen_app;

--
-- Name: TABLE finished_courses; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.finished_courses TO coursegen_app;

--
-- Name: TABLE idempotency_keys; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.idempotency_keys TO coursegen_app;

--
-- Name: TABLE lessons; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.lessons TO coursegen_app;

--
-- Name: TABLE processes; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.processes TO coursegen_app;

--
-- Name: TABLE publications; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE coursegen.publications TO coursegen_app;

--
-- Name: TABLE queue_migrations; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT ON TABLE coursegen.queue_migrations TO coursegen_app;

--
-- Name: TABLE sections; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.sections TO coursegen_app;

--
-- Name: TABLE spending; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE coursegen.spending TO coursegen_app;

--
-- Name: TABLE stage_results; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.stage_results TO coursegen_app;

--
-- Name: TABLE status_changes; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT ON TABLE coursegen.status_changes TO coursegen_app;

--
-- Name: TABLE status_map; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT ON TABLE coursegen.status_map TO coursegen_app;

--
-- Name: TABLE status_routes; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT ON TABLE coursegen.status_routes TO coursegen_app;

--
-- Name: TABLE tiers; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,UPDATE ON TABLE coursegen.tiers TO coursegen_app;

--
-- Name: TABLE units; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.units TO coursegen_app;

--
-- Name: TABLE webhook_attempts; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT ON TABLE coursegen.webhook_attempts TO coursegen_app;

--
-- Name: TABLE webhook_deliveries; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.webhook_deliveries TO coursegen_app;

--
-- Name: TABLE webhook_turns; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.webhook_turns TO coursegen_app;

--
-- Name: TABLE workers; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE coursegen.workers TO coursegen_app;

--
-- Name: TABLE written_events; Type: ACL; Schema: coursegen; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE coursegen.written_events TO coursegen_app;

--
-- Name: TABLE procrastinate_events; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.procrastinate_events TO coursegen_app;

--
-- Name: SEQUENCE procrastinate_events_id_seq; Type: ACL; Schema: public; Owner: -
--

GRANT USAGE ON SEQUENCE public.procrastinate_events_id_seq TO coursegen_app;

--
-- Name: SEQUENCE procrastinate_jobs_id_seq; Type: ACL; Schema: public; Owner: -
--

GRANT USAGE ON SEQUENCE public.procrastinate_jobs_id_seq TO coursegen_app;

--
-- Name: TABLE procrastinate_periodic_defers; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.procrastinate_periodic_defers TO coursegen_app;

--
-- Name: SEQUENCE procrastinate_periodic_defers_id_seq; Type: ACL; Schema: public; Owner: -
--

GRANT USAGE ON SEQUENCE public.procrastinate_periodic_defers_id_seq TO coursegen_app;

--
-- Name: TABLE procrastinate_workers; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.procrastinate_workers TO coursegen_app;

--
-- Name: SEQUENCE procrastinate_workers_id_seq; Type: ACL; Schema: public; Owner: -
--

GRANT USAGE ON SEQUENCE public.procrastinate_workers_id_seq TO coursegen_app;

--
-- Name: TABLE system_metrics; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.system_metrics TO coursegen_app;

--
-- Name: COLUMN system_metrics.metadata; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(metadata) ON TABLE public.system_metrics TO coursegen_app;

--
-- PostgreSQL database dump complete
--


-- All privileges of this service, in one place; applied after every migration, and a second time changes nothing.
-- APP_ROLE replaces the name `coursegen_app`. API, workers and commands run as a member of it.
do $$
begin
    if to_regrole('coursegen_app') is null then
        create role coursegen_app nologin;
        comment on role coursegen_app is 'Created by coursegen migrate';  -- so rollback may drop it
    end if;
exception
    when duplicate_object or unique_violation then null;  -- the migration of another database was faster
    when insufficient_privilege then
        raise insufficient_privilege
            using message = 'This login may not create roles. Have an administrator run: create role coursegen_app nologin';
end
$$;

-- Of the schema of this service
grant usage on schema coursegen to coursegen_app;
revoke all on all tables in schema coursegen from coursegen_app;
grant select on all tables in schema coursegen to coursegen_app;
grant insert, update, delete on coursegen.generations to coursegen_app;
grant insert on
    coursegen.stage_results, coursegen.documents, coursegen.briefs, coursegen.sections, coursegen.lessons,
    coursegen.drafts, coursegen.finished_courses, coursegen.webhook_attempts, coursegen.audit
to coursegen_app;
grant insert, update, delete on
    coursegen.attempts, coursegen.idempotency_keys, coursegen.webhook_deliveries, coursegen.webhook_turns,
    coursegen.workers, coursegen.processes, coursegen.units, coursegen.console_links, coursegen.console_sessions,
    coursegen.console_forms, coursegen.bulk_runs, coursegen.bulk_rows, coursegen.alerts
to coursegen_app;
grant insert, update, delete on coursegen.controls to coursegen_app;
grant update on coursegen.tiers to coursegen_app;
grant delete on coursegen.events to coursegen_app;
grant insert, delete on coursegen.written_events to coursegen_app;
grant insert, update on
    coursegen.publications, coursegen.spending, coursegen.attempt_logs, coursegen.dynamic_limit, coursegen.alert_checks
to coursegen_app;
revoke execute on all functions in schema coursegen from public;
grant execute on all functions in schema coursegen to coursegen_app;

-- Of what is shared with the platform
grant select on public.courses to coursegen_app;
grant select, insert, delete on public.system_metrics to coursegen_app;
do $$
begin
    if not has_schema_privilege(to_regrole('coursegen_app'), 'public', 'usage') then
        grant usage on schema public to coursegen_app;
    end if;
    -- For locks on rows alone: progress and status are written by functions that run as their owner.
    if not has_column_privilege(to_regrole('coursegen_app'), 'public.courses', 'updated_at', 'update') then
        grant update (updated_at) on public.courses to coursegen_app;
    end if;
    if not has_column_privilege(to_regrole('coursegen_app'), 'public.system_metrics', 'metadata', 'update') then
        grant update (metadata) on public.system_metrics to coursegen_app;
    end if;
end
$$;

-- Of the queue, as its library uses it: its functions and triggers run as their caller. And of the progress function under
-- its shared name.
do $$
declare
    -- The roles of the platform's API, where it has them. Supabase grants them everything new in `public` by default.
    api_roles constant text := concat_ws(', ', to_regrole('anon'), to_regrole('authenticated'));
    queue_is_ours constant boolean := not exists (select from coursegen.queue_migrations where was_there);
    object record;
begin
    for object in
        select 'table' as kind, oid::regclass::text as name, queue_is_ours as is_ours, case
            when relname = 'procrastinate_events' then 'select, insert' else 'select, insert, update, delete'
        end as needed
        from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname ~ '^procrastinate_'
        union all
        select 'sequence', oid::regclass::text, queue_is_ours, 'usage' from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'S' and relname ~ '^procrastinate_'
        union all
        select 'function', oid::regprocedure::text, queue_is_ours, 'execute' from pg_proc
        where pronamespace = 'public'::regnamespace and proname ~ '^procrastinate_'
        union all
        select 'function', oid::regprocedure::text, true, 'execute' from pg_proc
        where pronamespace = 'public'::regnamespace and proname = 'update_course_progress'
            and exists (select from coursegen.created_objects o where o.kind = 'function' and o.name = proname)
    loop
        if object.is_ours then
            execute format(
                'revoke all on %s %s from %s', object.kind, object.name, concat_ws(', ', 'public', nullif(api_roles, ''))
            );
        end if;
        execute format('grant %s on %s %s to coursegen_app', object.needed, object.kind, object.name);
    end loop;
    if api_roles <> '' then
        execute format('revoke all on all tables in schema coursegen from %s', api_roles);
        execute format('revoke all on all sequences in schema coursegen from %s', api_roles);
        execute format('revoke all on all functions in schema coursegen from %s', api_roles);
        for object in select name from coursegen.created_objects where kind = 'table' loop
            execute format('revoke all on public.%I from %s', object.name, api_roles);
        end loop;
    end if;
    if to_regrole('service_role') is not null and not pg_has_role(to_regrole('service_role'), to_regrole('coursegen_app'), 'member') then
        begin
            grant coursegen_app to service_role;
        exception when insufficient_privilege then
            raise warning 'This login may not grant coursegen_app to service_role, which gets no access';
        end;
    end if;
end
$$;

-- Of rows. Where the platform has users, owners read their own. A table with row-level security needs a policy for the role,
-- also a platform's own; one of ours gets row-level security before others may read it.
do $$
declare
    has_users constant boolean := to_regrole('authenticated') is not null and to_regprocedure('auth.uid()') is not null;
    readable record;
begin
    for readable in
        select 'coursegen.generations'::regclass as name, has_users as is_secured, 'user_id = (select auth.uid())' as condition
        union all
        select format('coursegen.%I', name)::regclass, has_users,
            'exists (select from coursegen.generations g where g.id = generation_id)'
        from unnest(array['sections', 'lessons', 'drafts', 'finished_courses']) name
        union all
        select format('public.%I', shared.name)::regclass, created.name is not null,
            case when created.name = 'courses' then 'user_id = (select auth.uid())' end
        from unnest(array['courses', 'system_metrics']) shared (name)
        left join coursegen.created_objects created on created.kind = 'table' and created.name = shared.name
    loop
        if readable.is_secured and not (select relrowsecurity from pg_class where oid = readable.name) then
            execute format('alter table %s enable row level security', readable.name);
        end if;
        if (select relrowsecurity from pg_class where oid = readable.name)
            and not exists (select from pg_policy where polrelid = readable.name and polname = 'coursegen_service')
        then
            execute format('create policy coursegen_service on %s to coursegen_app using (true)', readable.name);
        end if;
        continue when not has_users or readable.condition is null;
        execute format('grant select on %s to authenticated', readable.name);
        if not exists (select from pg_policy where polrelid = readable.name and polname = 'coursegen_owner') then
            execute format(
                'create policy coursegen_owner on %s for select to authenticated using (%s)',
                readable.name, readable.condition
            );
        end if;
    end loop;
    if to_regrole('authenticated') is not null then
        grant usage on schema coursegen to authenticated;
    end if;
end
$$;

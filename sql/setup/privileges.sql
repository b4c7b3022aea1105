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
revoke all on coursegen.created_objects from coursegen_app;
grant insert, update on coursegen.generations to coursegen_app;
grant insert on
    coursegen.stage_results, coursegen.documents, coursegen.briefs, coursegen.sections, coursegen.lessons,
    coursegen.drafts, coursegen.finished_courses, coursegen.webhook_attempts, coursegen.audit
to coursegen_app;
grant insert, update, delete on
    coursegen.attempts, coursegen.idempotency_keys, coursegen.webhook_deliveries, coursegen.workers
to coursegen_app;
revoke execute on all functions in schema coursegen from public;
grant execute on all functions in schema coursegen to coursegen_app;

-- Of what is shared with the platform
grant select on public.courses to coursegen_app;
grant select, insert, delete on public.system_metrics to coursegen_app;
do $$
declare
    shared text;
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
    -- A platform's table with row-level security needs a policy for the role; one that is ours gets row-level security.
    foreach shared in array array['courses', 'system_metrics'] loop
        if exists (select from coursegen.created_objects where kind = 'table' and name = shared)
            and not (select relrowsecurity from pg_class where oid = format('public.%I', shared)::regclass)
        then
            execute format('alter table public.%I enable row level security', shared);
        end if;
        if (select relrowsecurity from pg_class where oid = format('public.%I', shared)::regclass)
            and not exists (
                select from pg_policy
                where polrelid = format('public.%I', shared)::regclass and polname = 'coursegen_service'
            )
        then
            execute format('create policy coursegen_service on public.%I to coursegen_app using (true)', shared);
        end if;
    end loop;
end
$$;

-- Of the queue, as its library uses it. The functions and triggers run as their caller.
do $$
declare
    ours constant boolean := not exists (select from coursegen.queue_migrations where was_there);
    object record;
begin
    for object in
        select 'table' as kind, oid::regclass::text as name, case
            when relname = 'procrastinate_events' then 'select, insert' else 'select, insert, update, delete'
        end as needed
        from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname ~ '^procrastinate_'
        union all
        select 'sequence', oid::regclass::text, 'usage' from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'S' and relname ~ '^procrastinate_'
        union all
        select 'function', oid::regprocedure::text, 'execute' from pg_proc
        where pronamespace = 'public'::regnamespace and proname ~ '^procrastinate_'
    loop
        if ours then
            execute format('revoke all on %s %s from public', object.kind, object.name);
        end if;
        execute format('grant %s on %s %s to coursegen_app', object.needed, object.kind, object.name);
    end loop;
end
$$;

-- Of the platform's other roles, where it has them. Supabase grants them everything new in `public` by default.
do $$
declare
    api_role text;
    object record;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        continue when to_regrole(api_role) is null;
        execute format('revoke all on all tables in schema coursegen from %I', api_role);
        execute format('revoke all on all functions in schema coursegen from %I', api_role);
        for object in
            select kind, format('public.%I', name) as name from coursegen.created_objects where kind = 'table'
            union all
            select 'function', oid::regprocedure::text from pg_proc
            where pronamespace = 'public'::regnamespace and proname = 'update_course_progress'
                and exists (select from coursegen.created_objects o where o.kind = 'function' and o.name = proname)
            union all
            select case relkind when 'S' then 'sequence' else 'table' end, oid::regclass::text from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'S') and relname ~ '^procrastinate_'
                and not exists (select from coursegen.queue_migrations where was_there)
            union all
            select 'function', oid::regprocedure::text from pg_proc
            where pronamespace = 'public'::regnamespace and proname ~ '^procrastinate_'
                and not exists (select from coursegen.queue_migrations where was_there)
        loop
            execute format('revoke all on %s %s from %I', object.kind, object.name, api_role);
        end loop;
    end loop;
    if to_regrole('service_role') is not null and not pg_has_role(to_regrole('service_role'), to_regrole('coursegen_app'), 'member') then
        begin
            grant coursegen_app to service_role;
        exception when insufficient_privilege then
            raise warning 'This login may not grant coursegen_app to service_role, which gets no access';
        end;
    end if;
end
$$;

do $$
begin
    if exists (select from coursegen.created_objects where kind = 'function' and name = 'update_course_progress') then
        revoke execute on function public.update_course_progress from public;
        grant execute on function public.update_course_progress to coursegen_app;
    end if;
end
$$;

-- Owners read their own rows.
do $$
declare
    readable record;
begin
    for readable in
        select 'coursegen.generations'::regclass as name, 'user_id = (select auth.uid())' as condition
        union all
        select format('coursegen.%I', name)::regclass,
            'exists (select from coursegen.generations g where g.id = generation_id)'
        from unnest(array['sections', 'lessons', 'drafts', 'finished_courses']) name
        union all
        select 'public.courses'::regclass, 'user_id = (select auth.uid())' from coursegen.created_objects
        where kind = 'table' and name = 'courses'
    loop
        continue when to_regrole('authenticated') is null or to_regprocedure('auth.uid()') is null;
        execute format('grant select on %s to authenticated', readable.name);
        if not exists (select from pg_policy where polrelid = readable.name and polname = 'coursegen_owner') then
            if not (select relrowsecurity from pg_class where oid = readable.name) then
                execute format('alter table %s enable row level security', readable.name);
                execute format('create policy coursegen_service on %s to coursegen_app using (true)', readable.name);
            end if;
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

-- Undoes everything that `migrate` did. `created_objects` lists what to drop in `public`.
-- APP_ROLE replaces the name `coursegen_app`.
do $$
declare
    object record;
    statement text;
    queue_is_ours constant boolean := not exists (select from coursegen.queue_migrations where was_there);
    created constant text[] := array(
        select kind || ' ' || name from coursegen.created_objects
    );
begin
    -- Privileges and policies on what stays.
    if to_regrole('coursegen_app') is not null then
        for object in
            select case relkind when 'S' then 'sequence' else 'table' end as kind, oid::regclass::text as name from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')
                and (relname ~ '^procrastinate_' or relname in ('courses', 'system_metrics'))
            union all
            select 'function', oid::regprocedure::text from pg_proc
            where pronamespace = 'public'::regnamespace and proname ~ '^procrastinate_'
        loop
            execute format('revoke all on %s %s from coursegen_app', object.kind, object.name);
        end loop;
        if exists (
            select from pg_namespace, aclexplode(nspacl)
            where nspname = 'public' and grantee = 'coursegen_app'::regrole
        ) then
            revoke all on schema public from coursegen_app;
        end if;
    end if;
    if to_regclass('coursegen.written_events') is not null then
        delete from public.system_metrics where id in (select id from coursegen.written_events);
    end if;
    drop policy if exists coursegen_service on public.courses;
    drop policy if exists coursegen_owner on public.courses;
    drop policy if exists coursegen_service on public.system_metrics;

    drop schema coursegen cascade;

    for object in
        select split_part(entry, ' ', 1) as kind, split_part(entry, ' ', 2) as name from unnest(created) entry
        order by array_position(array['function', 'table', 'column', 'type'], split_part(entry, ' ', 1))
    loop
        case object.kind
            when 'table', 'type', 'function' then execute format('drop %s public.%I', object.kind, object.name);
            when 'column' then
                if not 'table ' || split_part(object.name, '.', 1) = any (created) then
                    execute format(
                        'alter table public.%I drop column %I',
                        split_part(object.name, '.', 1), split_part(object.name, '.', 2)
                    );
                end if;
        end case;
    end loop;

    if queue_is_ours then
        foreach statement in array array(
            select format('drop function if exists %s cascade', oid::regprocedure) from pg_proc
            where pronamespace = 'public'::regnamespace and proname ~ '^procrastinate_'
            union all
            select format('drop table public.%I cascade', relname) from pg_class
            where relnamespace = 'public'::regnamespace and relkind = 'r' and relname ~ '^procrastinate_'
            union all
            select format('drop type if exists public.%I cascade', typname) from pg_type
            left join pg_class on pg_class.oid = typrelid
            where typnamespace = 'public'::regnamespace and typname ~ '^procrastinate_'
                and (typtype = 'e' or relkind = 'c')
        ) loop
            execute statement;
        end loop;
    end if;
end
$$;

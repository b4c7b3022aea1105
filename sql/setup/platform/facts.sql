-- What the catalog says of the database before a migration: one row for each table, type, column and right that matters.
-- Changes nothing, and needs nothing of this service.
select jsonb_build_object(
    'version', current_setting('server_version_num')::int,
    'encoding', getdatabaseencoding(),
    'standby', pg_is_in_recovery(),
    'read_only', current_setting('default_transaction_read_only') = 'on',
    'login', current_user,
    'schema', (
        select jsonb_build_object(
            'mine', pg_has_role(nspowner, 'usage'),
            'migrated', to_regclass('coursegen.applied_migrations') is not null,
            'tables', (select count(*) from pg_class where relnamespace = n.oid and relkind in ('r', 'v', 'm', 'p'))
        )
        from pg_namespace n where nspname = 'coursegen'
    ),
    'may_create_schema', has_database_privilege(current_database(), 'create'),
    'may_create_in_public', has_schema_privilege('public', 'create'),
    'may_create_role', (select rolsuper or rolcreaterole from pg_roles where rolname = current_user),
    'bypasses_rls', (select rolsuper or rolbypassrls from pg_roles where rolname = current_user),
    'role', to_regrole(quote_ident(%(role)s)) is not null,
    'tables', (
        select jsonb_object_agg(relname, jsonb_build_object(
            'kind', relkind,
            'owner', relowner::regrole::text,
            'mine', pg_has_role(relowner, 'usage'),
            'persistence', relpersistence,
            'rls', relrowsecurity,
            'restrictive', array(
                select quote_ident(polname) from pg_policy
                where polrelid = c.oid and not polpermissive and 0 = any (polroles) order by 1
            ),
            'forced', relforcerowsecurity,
            'rows', greatest(reltuples, 0)::bigint,
            'triggers', array(
                select tgname from pg_trigger where tgrelid = c.oid and not tgisinternal and tgenabled <> 'D' order by 1
            ),
            'id_is_unique', exists (
                select from pg_index
                join pg_attribute on attrelid = indrelid and attnum = indkey[0]
                where indrelid = c.oid and indisunique and indnkeyatts = 1 and indpred is null and indimmediate
                    and attname = 'id'
            ),
            'course_is_indexed', exists (
                select from pg_index
                join pg_attribute on attrelid = indrelid and attnum = indkey[0]
                where indrelid = c.oid and indpred is null and indisvalid and attname = 'course_id'
            ),
            'columns', (
                select jsonb_object_agg(attname, jsonb_build_object(
                    'type', format_type(coalesce(nullif(typbasetype, 0), atttypid), null),  -- a domain takes what its type takes
                    'category', typcategory,
                    'computed', attgenerated <> '',
                    'required', attnotnull and not atthasdef and attidentity = '' and attgenerated = ''
                ))
                from pg_attribute join pg_type on pg_type.oid = atttypid
                where attrelid = c.oid and attnum > 0 and not attisdropped
            )
        ))
        from pg_class c
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
            and relname in (
                'courses', 'system_metrics', 'procrastinate_jobs', 'file_catalog', 'organizations', 'users', 'sections', 'lessons',
                'generation_status_history'
            )
    ),
    'types', (
        select jsonb_object_agg(typname, jsonb_build_object('kind', typtype, 'labels', array(
            select enumlabel::text from pg_enum where enumtypid = t.oid order by enumsortorder
        )))
        from pg_type t
        where typnamespace = 'public'::regnamespace and typname in ('metric_event_type', 'metric_severity', 'tier')
    ),
    -- Null before the first migration. The function that `migrate` makes does nothing.
    'publishes', (
        select prosrc <> 'select null::jsonb' from pg_proc join pg_namespace n on n.oid = pronamespace
        where nspname = 'coursegen' and proname = 'publish_course'
    ),
    'progress_functions', array(
        select oid::regprocedure::text from pg_proc
        where pronamespace = 'public'::regnamespace and proname = 'update_course_progress' order by 1
    ),
    'queue_functions', array(
        select proname::text from pg_proc where pronamespace = 'public'::regnamespace and proname ~ '^procrastinate_'
    )
);

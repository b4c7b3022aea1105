-- Forgets what `migrate` created in `public` and a migration that was undone has dropped.
delete from coursegen.created_objects
where not case kind
    when 'table' then to_regclass(format('public.%I', name)) is not null
    when 'type' then to_regtype(format('public.%I', name)) is not null
    when 'function' then exists (
        select from pg_proc where pronamespace = 'public'::regnamespace and proname = name
    )
    else exists (
        select from pg_attribute
        where attrelid = to_regclass(format('public.%I', split_part(name, '.', 1)))
            and attname = split_part(name, '.', 2) and not attisdropped
    )
end;

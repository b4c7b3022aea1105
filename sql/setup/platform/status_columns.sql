-- The columns of `courses` that may show a generation, the likelier first, with the labels of an enum (null: another type).
-- `takes_any`: text that nothing restricts. `is_shared`: others write it, as a default of the column shows.
select
    attname as name, format_type(atttypid, null) as type,
    case when typtype = 'e' then array(
        select enumlabel::text from pg_enum where enumtypid = atttypid order by enumsortorder
    ) end as labels,
    typcategory = 'S' and not exists (
        select from pg_constraint where conrelid = attrelid and contype = 'c' and attnum = any (conkey)
    ) as takes_any,
    atthasdef or attnotnull as is_shared
from pg_attribute
join pg_type on pg_type.oid = atttypid
where attrelid = to_regclass('public.courses') and attname in ('generation_status', 'status') and not attisdropped
order by attname;

-- What the queue's scripts made in a schema: kind, name, and details that distinguish its states.
with relation as (
    select oid, relname, relkind from pg_class
    where relnamespace = to_regnamespace(%(schema)s) and relname ~ 'procrastinate'
)
select relkind::text as kind, relname::text as name, '' as detail from relation
union all
select 'column', relname || '.' || attname, typname || ' ' || attnotnull
from relation
join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
join pg_type on pg_type.oid = atttypid
where relkind in ('r', 'c')
union all
select 'function', proname, md5(prosrc) || ' ' || array(
    select typname from unnest(proargtypes) with ordinality argument (type, position)
    join pg_type on pg_type.oid = argument.type
    order by position
)::text
from pg_proc
where pronamespace = to_regnamespace(%(schema)s) and proname ~ '^procrastinate'
union all
select 'trigger', tgname, tgtype::text from pg_trigger join relation on relation.oid = tgrelid where not tgisinternal
union all
select 'label', typname || '.' || enumlabel, ''
from pg_enum
join pg_type on pg_type.oid = enumtypid
where typnamespace = to_regnamespace(%(schema)s) and typname ~ '^procrastinate'
union all
select 'constraint', conname, '' from pg_constraint join relation on relation.oid = conrelid where contype <> 'n';

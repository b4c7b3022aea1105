-- What was applied to the database: the queue's scripts, migrations by version, functions by name and checksum.
select 'script' as kind, script as name, null as checksum from coursegen.queue_migrations
union all
select 'migration', version, null from coursegen.applied_migrations
union all
select 'function', name, checksum from coursegen.applied_functions;

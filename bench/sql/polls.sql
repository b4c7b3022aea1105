-- name: install_statistics
-- Makes the statistics readable.
create extension if not exists pg_stat_statements;

-- name: ignore_statements
-- Takes effect when the settings are loaded again.
alter system set pg_stat_statements.track = 'none';

-- name: track_statements
-- Takes effect when the settings are loaded again.
alter system set pg_stat_statements.track = 'top';

-- name: forget_statements
-- What set the database up was counted until the settings were loaded.
select pg_stat_statements_reset();

-- name: reload_settings
-- Every session reads the settings again before its next statement.
select pg_reload_conf();

-- name: read_statistics
-- Statements of this database so far, and the milliseconds that PostgreSQL planned and executed them.
select sum(calls)::bigint, sum(total_plan_time + total_exec_time)::float8
from pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database()) and query not like '%pg_stat_statements%';

-- Keeps the last lines of a start's log.
create or replace function coursegen.keep_attempt_log_v1(p_attempt_id bigint, p_lines text) returns void
language plpgsql
as $$
begin
    insert into coursegen.attempt_logs (attempt_id, lines) values (p_attempt_id, p_lines)
    on conflict (attempt_id) do update set lines = excluded.lines;
end
$$;

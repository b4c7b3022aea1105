-- Records a process's sign of life, with the load of its host. The first one (p_is_new) replaces the row of an earlier process
-- of the same name, as after the restart of a container.
create or replace function coursegen.keep_process_v1(
    p_process text, p_kind text, p_version text, p_settings jsonb, p_places int, p_cpu_pressure float,
    p_memory_available bigint, p_memory_total bigint, p_is_new boolean
) returns void
language plpgsql
as $$
begin
    if p_is_new then
        delete from coursegen.processes where process = p_process;
    end if;
    insert into coursegen.processes (
        process, kind, version, settings, places, cpu_pressure, memory_available, memory_total
    ) values (
        p_process, p_kind, p_version, p_settings, p_places, p_cpu_pressure, p_memory_available, p_memory_total
    )
    on conflict (process) do update
    set cpu_pressure = excluded.cpu_pressure, memory_available = excluded.memory_available,
        memory_total = excluded.memory_total, seen_at = now();
end
$$;

-- Drops the role, if a migration created it. Fails while another database uses it.
do $$
begin
    if shobj_description(to_regrole('coursegen_app'), 'pg_authid') = 'Created by coursegen migrate' then
        drop role coursegen_app;
    end if;
end
$$;

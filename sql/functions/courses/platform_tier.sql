-- The tier of the user's organization on the platform; null where the platform has none for the user.
-- As its owner: the service's role reads no other table of the platform.
create or replace function coursegen.platform_tier(p_user_id uuid) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if 3 <> (
        select count(*) from pg_attribute
        where not attisdropped and (
            attrelid = to_regclass('public.users') and attname in ('id', 'organization_id')
            or attrelid = to_regclass('public.organizations') and attname = 'tier'
        )
    ) then
        return null;
    end if;
    return (
        select o.tier::text from public.users u
        join public.organizations o on o.id = u.organization_id
        where u.id = p_user_id
    );
end
$$;

-- name: add_roles
-- Those that a platform's policies and grants name.
create role anon;
create role authenticated;
create role service_role bypassrls;

-- name: add_organisation
-- Every course without one is of this organisation.
do $$
begin
    insert into organizations (id, name) values ('00000000-0000-0000-0000-0000000000b1', 'One');
    alter table courses alter organization_id set default '00000000-0000-0000-0000-0000000000b1';
end
$$;

-- name: add_users
-- Users with these ids, as the sign-in and the pages know them.
with added as (
    insert into auth.users (id, email) select id, id::text from unnest(%(ids)s::uuid[]) id returning id
)
insert into users (id, email, organization_id)
select id, id::text, '00000000-0000-0000-0000-0000000000b1' from added;

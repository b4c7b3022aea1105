-- An empty project, in a new database of the server's: its schemas, the claims of a token, and the default grants.
-- By a superuser. OWNER replaces the name of the role that owns the database and is no superuser.
grant all on database "DATABASE" to "OWNER";
alter database "DATABASE" owner to "OWNER";
alter role "OWNER" in database "DATABASE" set search_path = "$user", public, extensions;

create schema auth;
create schema extensions authorization "OWNER";
grant usage on schema public, auth, extensions to "OWNER", anon, authenticated, service_role;
grant create on schema auth, public to "OWNER";

create table auth.users (
    id uuid primary key,
    aud varchar(255),
    role varchar(255),
    email varchar(255) unique,
    raw_user_meta_data jsonb
);
grant all on auth.users to "OWNER";
create function auth.jwt() returns jsonb language sql stable as $$
    select nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;
create function auth.uid() returns uuid language sql stable as $$ select (auth.jwt() ->> 'sub')::uuid $$;

alter default privileges for role "OWNER" in schema public
    grant all on tables to "OWNER", anon, authenticated, service_role;
alter default privileges for role "OWNER" in schema public
    grant all on sequences to "OWNER", anon, authenticated, service_role;
alter default privileges for role "OWNER" in schema public
    grant all on functions to "OWNER", anon, authenticated, service_role;
create publication supabase_realtime;
alter publication supabase_realtime owner to "OWNER";

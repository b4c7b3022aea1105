-- migrate:up

-- Which generation a key of a user started, for a day. A table of its own rather than a unique index on `generations`: a
-- key must be forgotten while its generation stays. No foreign key: the answer is repeated even where the course, and the
-- generation with it, is gone since.
create table generation_idempotency_keys (
    user_id uuid not null,
    key text not null,
    fingerprint bytea not null,
    generation_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
);
create index generation_idempotency_keys_created_at on generation_idempotency_keys (created_at);

-- As the other tables on a database with Supabase's roles: nobody's but the service's.
do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        if to_regrole(api_role) is not null then
            execute format('revoke all on generation_idempotency_keys from %I', api_role);
        end if;
    end loop;
    if to_regrole('service_role') is not null then
        grant select, insert, update, delete on generation_idempotency_keys to service_role;
        alter table generation_idempotency_keys enable row level security;
        create policy generation_idempotency_keys_service on generation_idempotency_keys to service_role
            using (true) with check (true);
    end if;
end
$$;

-- migrate:down

drop table generation_idempotency_keys;

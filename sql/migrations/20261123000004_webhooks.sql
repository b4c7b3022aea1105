-- migrate:up

create type webhook_delivery_state as enum ('pending', 'delivered', 'given_up', 'gone');

-- What a webhook is to be told, written in the transaction that made it true: the outbox. `seq` counts from 1 within
-- the generation, and of those that are pending only the lowest is sent.
create table webhook_deliveries (
    generation_id uuid not null references generations (id) on delete cascade,
    seq integer not null check (seq >= 1),
    -- The course at that moment.
    status text not null,
    step integer not null,
    percentage integer not null,
    message text not null,
    error text,
    created_at timestamptz not null default now(),
    state webhook_delivery_state not null default 'pending',
    -- Tries that failed, and when the next is due.
    failures integer not null default 0,
    due_at timestamptz not null default now(),
    give_up_at timestamptz not null default now() + interval '1 day',
    -- While somebody sends it: nobody else does before this. It is also their word that it was they.
    held_until timestamptz,
    finished_at timestamptz,
    primary key (generation_id, seq),
    constraint webhook_deliveries_finished_iff_final check ((finished_at is not null) = (state <> 'pending'))
) with (fillfactor = 80);
create index webhook_deliveries_pending on webhook_deliveries (generation_id, seq) where state = 'pending';
create index webhook_deliveries_created_at on webhook_deliveries (created_at);

-- One row per try: what was answered, or why nothing was.
create table webhook_attempts (
    id bigint generated always as identity primary key,
    generation_id uuid not null,
    seq integer not null,
    at timestamptz not null default now(),
    ms integer not null,
    status integer,
    error text,
    excerpt text,
    foreign key (generation_id, seq) references webhook_deliveries (generation_id, seq) on delete cascade,
    constraint webhook_attempts_status_or_error check ((status is null) <> (error is null))
);
create index webhook_attempts_delivery on webhook_attempts (generation_id, seq);

-- As all tables of ours: for the service alone, where there are roles that tell.
do $$
declare
    ours constant text[] := array['webhook_deliveries', 'webhook_attempts'];
    t text;
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        if to_regrole(api_role) is not null then
            foreach t in array ours loop
                execute format('revoke all on %I from %I', t, api_role);
            end loop;
        end if;
    end loop;
    if to_regrole('service_role') is not null then
        foreach t in array ours loop
            execute format('grant select, insert, update, delete on %I to service_role', t);
            execute format('alter table %I enable row level security', t);
            execute format('create policy %I on %I to service_role using (true) with check (true)', t || '_service', t);
        end loop;
    end if;
end
$$;

-- migrate:down

drop table webhook_attempts, webhook_deliveries;
drop type webhook_delivery_state;

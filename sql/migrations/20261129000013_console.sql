-- The console's sign-in: links that are good once, and the sessions that they and tokens begin. A row is found by the hash
-- of its secret, which nobody can read back.
create table coursegen.console_links (
    hash bytea primary key,
    role text not null check (role in ('viewer', 'operator', 'admin')),
    created_by text not null,
    expires_at timestamptz not null
);
create table coursegen.console_sessions (
    hash bytea primary key,
    operator text not null,
    role text not null check (role in ('viewer', 'operator', 'admin')),
    expires_at timestamptz not null
);
-- The forms that were sent, by the key that each is shown with, and what came of them: a second one acts no more.
create table coursegen.console_forms (
    key uuid primary key,
    operator text not null,
    sent_at timestamptz not null default now(),
    result text
);
create index console_forms_sent_at on coursegen.console_forms (sent_at);

-- The rare ones among many that completed.
create index generations_ended_early on coursegen.generations (status, created_at desc, id desc)
    where status in ('failed', 'cancelled');

-- migrate:down
drop index coursegen.generations_ended_early;
drop table coursegen.console_forms, coursegen.console_sessions, coursegen.console_links;

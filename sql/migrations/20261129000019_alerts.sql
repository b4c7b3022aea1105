-- What ALERT_WEBHOOK_URL is told: the findings of `coursegen doctor` that are problems, one row each, by the name of the check.
-- A finding is suspected until it has lasted. Then its begin is sent, and once it is over, its end: this row is gone then.
-- is_told: the receiver has the begin. changing_since: since when checks find it gone, while it is lasting.
-- held_until: the sender's claim, which its value identifies.
create table coursegen.alerts (
    finding text primary key,
    state text not null default 'suspected' check (state in ('suspected', 'lasting', 'over')),
    details jsonb not null,
    began_at timestamptz not null default now(),
    changing_since timestamptz,
    ended_at timestamptz,
    seen_at timestamptz not null default now(),
    is_told boolean not null default false,
    failures integer not null default 0,
    due_at timestamptz not null default now(),
    held_until timestamptz
);
-- When the last check ended: one row.
create table coursegen.alert_checks (
    id boolean primary key default true check (id),
    at timestamptz not null
);

-- migrate:down
drop table coursegen.alert_checks, coursegen.alerts;

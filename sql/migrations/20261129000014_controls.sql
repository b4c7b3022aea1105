-- What operators override while the service runs. Without a row the environment holds.
create table coursegen.controls (
    name text primary key check (name in (
        'admissions', 'stages', 'stage:DOCUMENT_PROCESSING', 'stage:STRUCTURE_ANALYSIS', 'stage:STRUCTURE_GENERATION',
        'stage:TEXT_GENERATION', 'stage:FINALIZATION', 'limit', 'aging'
    )),
    value integer,
    set_by text not null,
    reason text,
    set_at timestamptz not null default now(),
    -- The others are pauses.
    constraint controls_value check (case name
        when 'limit' then coalesce(value >= 1, false)
        when 'aging' then coalesce(value >= 0, false)
        else value is null
    end)
);

-- How many generations a user of the tier may have active, and how urgent they are: larger first.
create table coursegen.tiers (
    tier coursegen.tier primary key,
    slots integer not null check (slots between 1 and 10000),
    priority integer not null check (priority between 0 and 10000)
);
insert into coursegen.tiers (tier, slots, priority)
values ('FREE', 1, 1), ('BASIC', 2, 3), ('STANDARD', 3, 5), ('TRIAL', 5, 5), ('PREMIUM', 5, 10);

-- migrate:down
drop table coursegen.tiers, coursegen.controls;

-- A start that ended because a provider is busy; it does not count.
alter type coursegen.attempt_outcome add value 'paused';

-- The last lines that a handler printed and logged during a start, each a JSON object.
create table coursegen.attempt_logs (
    attempt_id bigint primary key references coursegen.attempts (id) on delete cascade,
    lines text not null
);

-- migrate:down
drop table coursegen.attempt_logs;
update coursegen.attempts set outcome = 'interrupted' where outcome = 'paused';
drop index coursegen.attempts_open;
alter table coursegen.attempts drop constraint attempts_finished_iff_outcome, alter column outcome type text;
drop type coursegen.attempt_outcome;
create type coursegen.attempt_outcome as enum (
    'completed', 'failed', 'timeout', 'died', 'shutdown', 'interrupted', 'superseded'
);
alter table coursegen.attempts
    alter column outcome type coursegen.attempt_outcome using outcome::coursegen.attempt_outcome,
    add constraint attempts_finished_iff_outcome check ((finished_at is not null) = (outcome is not null));
create index attempts_open on coursegen.attempts (job_id) where outcome is null;

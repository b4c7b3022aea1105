-- A user's latest starts and cancels are counted before another one.
create index generations_user_created_at on coursegen.generations (user_id, created_at);
create index generations_ended_by on coursegen.generations (ended_by, finished_at) where ended_by is not null;

-- migrate:down
drop index coursegen.generations_user_created_at, coursegen.generations_ended_by;

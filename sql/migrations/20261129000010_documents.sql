-- The name that a document gives itself elsewhere than in its text, and where a reader of ours broke on it. Workers of an
-- earlier release store neither.
alter table coursegen.documents add column title text;
alter table coursegen.documents add column fault jsonb;

-- migrate:down
alter table coursegen.documents drop column title;
alter table coursegen.documents drop column fault;

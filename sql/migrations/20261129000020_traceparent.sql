-- Where the request that started the generation belongs, by W3C Trace Context: jobs and webhooks carry it on.
alter table coursegen.generations add column traceparent text;

-- migrate:down
alter table coursegen.generations drop column traceparent;

-- The host of an accepted webhook URL, and its port if it names one: webhooks to it share one limit. No regular
-- expression, since each claim computes it for every webhook that waits.
create or replace function coursegen.webhook_host(p_url text) returns text
language sql immutable parallel safe
return lower(split_part(split_part(split_part(p_url, '/', 3), '?', 1), '@', -1));

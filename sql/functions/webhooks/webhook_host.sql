-- The host and port of an accepted webhook URL, spelled one way: webhooks to it share one limit. One expression, so that
-- the planner can put it in place of a call.
create or replace function coursegen.webhook_host(p_url text) returns text
language sql immutable parallel safe
return rtrim(lower(substring(p_url from '^[A-Za-z]+://(?:[^/?#]*@)?(\[[^]]*\]|[^/?#@:]*)')), '.') || ':' || coalesce(
    ltrim(substring(p_url from '^[A-Za-z]+://(?:[^/?#]*@)?(?:\[[^]]*\]|[^/?#@:]*):([0-9]+)'), '0'),
    case when p_url ~* '^https' then '443' else '80' end
);

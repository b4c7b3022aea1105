-- Gives up what the generation's receiver can't take, and returns whether there was anything. If it answered 400, 409, 422 or
-- 500 to the first pending message three times in a row, the newest message is next: those before it are given up. If it is
-- the newest itself, it is given up unless a 500 was among the answers. A message that a sender has claimed stays. The caller
-- holds the generation's lock.
create or replace function coursegen.skip_refused(p_generation_id uuid) returns boolean
language plpgsql
as $$
declare
    head record;
    newest int;
    answers int[];
begin
    select d.seq, d.failures, d.held_until into head
    from coursegen.webhook_deliveries d
    where d.generation_id = p_generation_id and d.state = 'pending'
    order by d.seq limit 1;
    if not found or head.failures < 3 or head.held_until > now() then
        return false;
    end if;
    answers := array(
        select coalesce(a.status, 0) from coursegen.webhook_attempts a
        where a.generation_id = p_generation_id and a.seq = head.seq
        order by a.id desc limit 3
    );
    select max(d.seq) into newest
    from coursegen.webhook_deliveries d where d.generation_id = p_generation_id and d.state = 'pending';
    if not answers <@ '{400,409,422,500}' or newest = head.seq and 500 = any (answers) then
        return false;
    end if;
    update coursegen.webhook_deliveries d
    set state = 'given_up', finished_at = now(), held_until = null
    where d.generation_id = p_generation_id and d.state = 'pending' and (d.seq < newest or d.seq = head.seq);
    perform coursegen.cancel_delivery_job(p_generation_id);
    return true;
end
$$;

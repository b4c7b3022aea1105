-- The seconds until the user may start or cancel again; null: now. At most p_limit starts and cancels lie within a minute,
-- whichever process admitted or cancelled: the rows of the generations are the count.
create or replace function coursegen.rate_wait_v1(p_user_id uuid, p_limit int) returns int
language plpgsql stable
as $$
begin
    return (
        select ceil(extract(epoch from done.at + interval '1 minute' - now()))
        from (
            select g.created_at as at from coursegen.generations g
            where g.user_id = p_user_id and g.created_at > now() - interval '1 minute'
            union all
            select g.finished_at from coursegen.generations g
            where g.ended_by in ('owner:' || p_user_id, 'admin:' || p_user_id)
                and g.finished_at > now() - interval '1 minute'
        ) done
        order by done.at desc
        offset p_limit - 1
        limit 1
    );
end
$$;

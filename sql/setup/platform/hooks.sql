-- Functions that an operator may replace, so `migrate` makes only those that are missing.
do $$
begin
    if to_regprocedure('coursegen.course_files(uuid)') is null then
        create function coursegen.course_files(p_course_id uuid)
        returns table (id text, name text, path text, mime_type text)
        language sql stable
        as 'select * from coursegen.platform_files(p_course_id)';
    end if;
    if to_regprocedure('coursegen.user_tier(uuid)') is null then
        -- The tier of a user for TIER_SOURCE=database, by any of its names; null: FREE.
        create function coursegen.user_tier(p_user_id uuid) returns text
        language sql stable
        as 'select coursegen.platform_tier(p_user_id)';
    end if;
    if to_regprocedure('coursegen.publish_course(uuid, text)') is null then
        -- Puts a completed generation where the platform's pages show courses. Returns what it did, or null for nothing.
        create function coursegen.publish_course(p_generation_id uuid, p_mode text) returns jsonb
        language sql
        as 'select null::jsonb';
    end if;
end
$$;

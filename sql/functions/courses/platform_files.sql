-- The files of a course, in the order of its progress: what a stage gets. An entry without a path is looked up in the
-- platform's file_catalog, by its fileId or url, among the files of the course's organization that are the course's or
-- nobody's.
-- As its owner: the service's role reads no other table of the platform.
create or replace function coursegen.platform_files(p_course_id uuid)
returns table (id text, name text, path text, mime_type text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    course record;
begin
    select c.generation_progress -> 'files' as files, c.organization_id into course
    from public.courses c
    where c.id = p_course_id and coursegen.has_documents(c.generation_progress);
    if not found then
        return;
    end if;
    if 6 = (
        select count(*) from pg_attribute
        where attrelid = to_regclass('public.file_catalog') and not attisdropped
            and attname in ('id', 'organization_id', 'course_id', 'filename', 'storage_path', 'mime_type')
    ) then
        return query
            select
                coalesce(entry ->> 'id', entry ->> 'fileId', found.id::text), coalesce(entry ->> 'name', found.filename),
                coalesce(entry ->> 'path', found.storage_path),
                coalesce(entry ->> 'mime_type', found.mime_type, entry ->> 'type')
            from jsonb_array_elements(course.files) with ordinality as files (entry, position)
            left join lateral (
                select f.id, f.filename::text, f.storage_path::text, f.mime_type::text
                from public.file_catalog f
                where entry ->> 'path' is null
                    and f.organization_id = course.organization_id
                    and (f.course_id = p_course_id or f.course_id is null)
                    and (
                        f.id::text = lower(entry ->> 'fileId')
                        -- A url ends with the path.
                        or entry ->> 'fileId' is null and f.storage_path <> '' and right(entry ->> 'url', length(f.storage_path)) = f.storage_path
                    )
                order by f.course_id nulls last
                limit 1
            ) found on true
            order by position;
    else
        return query
            select
                coalesce(entry ->> 'id', entry ->> 'fileId'), entry ->> 'name', entry ->> 'path',
                coalesce(entry ->> 'mime_type', entry ->> 'type')
            from jsonb_array_elements(course.files) with ordinality as files (entry, position)
            order by position;
    end if;
end
$$;

-- Puts a completed course into the platform's own tables sections, lessons and lesson_content, for its pages.
-- Apply it, and later changes of it, as the role that runs `coursegen migrate`:
--     coursegen platform apply deploy/platforms/sections_and_lessons.sql
--
-- fill     The default. Writes what is missing, and updates what an earlier generation wrote and nobody has changed since.
--          What an author changed stays. A course whose sections are all somebody else's is left alone.
-- replace  Deletes every section of the course first.
-- draft    Puts the course behind what is there, as drafts, in place of an earlier draft.
--
-- A row of ours is known by `metadata.coursegen`: the number that it has in the course, a lesson's also in which section,
-- and a checksum of what was written. A row with another checksum was changed by an author. A lesson that an author moved
-- to another section stays there.
create or replace function coursegen.publish_course(p_generation_id uuid, p_mode text) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    course record;
    section record;
    lesson record;
    own record;
    target uuid;
    is_draft constant boolean := p_mode = 'draft';
    mark text := case when p_mode = 'draft' then 'coursegen_draft' else 'coursegen' end;
    written int := 0;
    kept int := 0;
begin
    select c.id, nullif(greatest(c.lesson_duration_minutes, 0), 0) as minutes into course
    from coursegen.generations g
    join public.courses c on c.id = g.course_id
    where g.id = p_generation_id
    for no key update of c;

    if p_mode = 'replace' then
        delete from public.sections s where s.course_id = course.id;
    elsif p_mode = 'draft' then
        delete from public.sections s where s.course_id = course.id and s.metadata ? mark;
    elsif exists (select from public.sections s where s.course_id = course.id)
        and not exists (select from public.sections s where s.course_id = course.id and s.metadata ? mark)
    then
        return jsonb_build_object('written', 0, 'kept', (select count(*) from public.sections s where s.course_id = course.id));
    end if;

    for section in
        select s.number, s.title from coursegen.sections s where s.generation_id = p_generation_id order by s.number
    loop
        select s.id, md5(s.title) = s.metadata #>> array[mark, 'checksum'] as is_unchanged into own
        from public.sections s
        where s.course_id = course.id and (s.metadata #>> array[mark, 'number'])::int = section.number;
        target := own.id;
        if target is null then
            insert into public.sections (course_id, title, order_index, metadata)
            select course.id, section.title, coursegen.free_place(
                section.number, not is_draft,
                array(select s.order_index from public.sections s where s.course_id = course.id)
            ), jsonb_build_object(mark, jsonb_build_object('number', section.number, 'checksum', md5(section.title)))
            returning id into target;
            written := written + 1;
        elsif own.is_unchanged then
            update public.sections s
            set title = section.title,
                metadata = jsonb_set(s.metadata, array[mark, 'checksum'], to_jsonb(md5(section.title)))
            where s.id = target and s.title <> section.title;
            written := written + found::int;
        else
            kept := kept + 1;
        end if;

        for lesson in
            select
                row_number() over (order by l.number) as number, l.title, coalesce(d.body, '') as body,
                md5(concat_ws(E'\n', l.title, coalesce(d.body, ''))) as checksum
            from coursegen.lessons l
            left join coursegen.drafts d on d.generation_id = l.generation_id and d.lesson_number = l.number
            where l.generation_id = p_generation_id and l.section_number = section.number
        loop
            select
                l.id,
                md5(concat_ws(E'\n', l.title, coalesce(content.text_content, '')))
                    = l.metadata #>> array[mark, 'checksum'] as is_unchanged,
                l.metadata #>> array[mark, 'checksum'] = lesson.checksum as is_same
            into own
            from public.lessons l
            join public.sections s on s.id = l.section_id
            left join public.lesson_content content on content.lesson_id = l.id
            where s.course_id = course.id and (l.metadata #>> array[mark, 'number'])::int = lesson.number
                and coalesce(l.metadata #>> array[mark, 'section'], s.metadata #>> array[mark, 'number'])::int = section.number
            order by l.section_id = target desc
            limit 1;
            if own.id is null then
                insert into public.lessons (section_id, title, order_index, duration_minutes, lesson_type, status, metadata)
                select
                    target, lesson.title, coursegen.free_place(
                        lesson.number::int, true,
                        array(select l.order_index from public.lessons l where l.section_id = target)
                    ),
                    course.minutes, 'text', case when is_draft then 'draft' else 'published' end::public.lesson_status,
                    jsonb_build_object(mark, jsonb_build_object(
                        'section', section.number, 'number', lesson.number, 'checksum', lesson.checksum
                    ))
                returning id into own.id;
                insert into public.lesson_content (lesson_id, text_content) values (own.id, lesson.body);
                written := written + 1;
            elsif not own.is_unchanged then
                kept := kept + 1;
            elsif not own.is_same then
                update public.lessons l
                set title = lesson.title,
                    metadata = jsonb_set(l.metadata, array[mark, 'checksum'], to_jsonb(lesson.checksum))
                where l.id = own.id;
                insert into public.lesson_content (lesson_id, text_content) values (own.id, lesson.body)
                on conflict (lesson_id) do update set text_content = excluded.text_content, updated_at = now();
                written := written + 1;
            end if;
        end loop;
        -- Lessons that this generation no longer has.
        delete from public.lessons l
        using public.sections s, public.lesson_content content
        where s.id = l.section_id and s.course_id = course.id and content.lesson_id = l.id
            and coalesce(l.metadata #>> array[mark, 'section'], s.metadata #>> array[mark, 'number'])::int = section.number
            and (l.metadata #>> array[mark, 'number'])::int > (
                select count(*) from coursegen.lessons o
                where o.generation_id = p_generation_id and o.section_number = section.number
            )
            and md5(concat_ws(E'\n', l.title, coalesce(content.text_content, ''))) = l.metadata #>> array[mark, 'checksum'];
    end loop;
    -- Sections that this generation no longer has, unless an author changed one or something in it.
    delete from public.sections s
    where s.course_id = course.id
        and (s.metadata #>> array[mark, 'number'])::int > (
            select count(*) from coursegen.sections o where o.generation_id = p_generation_id
        )
        and md5(s.title) = s.metadata #>> array[mark, 'checksum']
        and not exists (
            select from public.lessons l
            left join public.lesson_content content on content.lesson_id = l.id
            where l.section_id = s.id and (
                md5(concat_ws(E'\n', l.title, coalesce(content.text_content, '')))
                    is distinct from l.metadata #>> array[mark, 'checksum']
                or l.metadata #>> array[mark, 'section'] <> s.metadata #>> array[mark, 'number']
            )
        );
    if not is_draft then
        update public.courses c set status = 'published' where c.id = course.id and c.status = 'draft';
    end if;
    return jsonb_build_object('written', written, 'kept', kept);
end
$$;

-- The place with this number if it may be had and is free, else the first behind all.
create or replace function coursegen.free_place(p_number int, p_may boolean, p_taken int[]) returns int
language sql immutable
as $$
    select case
        when p_may and p_number <> all (p_taken) then p_number
        else coalesce((select max(taken) from unnest(p_taken) taken), 0) + 1
    end
$$;

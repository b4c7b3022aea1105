-- name: find_content
-- The course's last completed generation that has content, and a tag that changes with its publication.
select g.id as generation_id, concat_ws('-', g.id, extract(epoch from (
    select max(p.published_at) from coursegen.publications p where p.generation_id = g.id
))) as tag
from coursegen.generations g
where g.course_id = %(course_id)s and g.status = 'completed'
    and (%(generation_id)s::uuid is null or g.id = %(generation_id)s)
    and exists (select from coursegen.finished_courses f where f.generation_id = g.id)
order by g.finished_at desc
limit 1;

-- name: find_stopped
-- The course's last generation that was stopped and left finished lessons.
select g.id as generation_id, concat_ws('-', g.id, extract(epoch from g.finished_at)) as tag
from coursegen.generations g
where g.course_id = %(course_id)s and g.status in ('failed', 'cancelled')
    and (%(generation_id)s::uuid is null or g.id = %(generation_id)s)
    and exists (select from coursegen.stopped_texts_v1(g.id))
order by g.finished_at desc
limit 1;

-- name: read_stopped
select coursegen.read_stopped_v1(%(generation_id)s)::text as body;

-- name: read_stopped_text
-- Its finished lessons as one Markdown text.
select string_agg(body, E'\n\n' order by lesson_number) as body from coursegen.stopped_texts_v1(%(generation_id)s);

-- name: read_content
select coursegen.read_content_v1(%(generation_id)s)::text as body;

-- name: read_content_text
select body from coursegen.finished_courses where generation_id = %(generation_id)s;

-- name: publish
-- What the operator's function did, or null for nothing.
select coursegen.publish_v1(%(generation_id)s, %(mode)s, true) as result;

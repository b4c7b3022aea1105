-- Every finished course with what it is about, for export.
select
    finished.generation_id::text, course.id::text as course_id, course.slug, course.title, generation.user_id::text,
    generation.finished_at, finished.summary, finished.body
from coursegen.finished_courses finished
join coursegen.generations generation on generation.id = finished.generation_id
join public.courses course on course.id = generation.course_id
order by finished.generation_id;

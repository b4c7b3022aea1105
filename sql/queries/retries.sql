-- name: find_failed
select course_id, user_id, tier::text, stage::text, webhook_url
from coursegen.generations
where id = %(generation_id)s and status = 'failed';

-- name: carry_over_stage_results
insert into coursegen.stage_results (generation_id, stage, attempt_id, finished_at)
select %(generation_id)s, stage, attempt_id, finished_at from coursegen.stage_results where generation_id = %(failed_id)s
returning stage::text;

-- name: carry_over_documents
insert into coursegen.documents (generation_id, position, file_id, name, mime_type, body, headings, error)
select %(generation_id)s, position, file_id, name, mime_type, body, headings, error
from coursegen.documents where generation_id = %(failed_id)s;

-- name: carry_over_briefs
insert into coursegen.briefs (generation_id, brief)
select %(generation_id)s, brief from coursegen.briefs where generation_id = %(failed_id)s;

-- name: carry_over_sections
insert into coursegen.sections (generation_id, number, title)
select %(generation_id)s, number, title from coursegen.sections where generation_id = %(failed_id)s;

-- name: carry_over_lessons
insert into coursegen.lessons (generation_id, number, section_number, title, goals, sources)
select %(generation_id)s, number, section_number, title, goals, sources
from coursegen.lessons where generation_id = %(failed_id)s;

-- name: carry_over_drafts
insert into coursegen.drafts (generation_id, lesson_number, body)
select %(generation_id)s, lesson_number, body from coursegen.drafts where generation_id = %(failed_id)s;

-- name: find_failed
select course_id, user_id, tier::text, stage::text, webhook_url
from generations
where id = %(generation_id)s and status = 'failed';

-- name: carry_over_stage_results
insert into stage_results (generation_id, stage, attempt_id, finished_at)
select %(generation_id)s, stage, attempt_id, finished_at from stage_results where generation_id = %(failed_id)s
returning stage::text;

-- name: carry_over_documents
insert into generation_documents (generation_id, position, file_id, name, mime_type, body, headings, error)
select %(generation_id)s, position, file_id, name, mime_type, body, headings, error
from generation_documents where generation_id = %(failed_id)s;

-- name: carry_over_briefs
insert into generation_briefs (generation_id, brief)
select %(generation_id)s, brief from generation_briefs where generation_id = %(failed_id)s;

-- name: carry_over_sections
insert into generation_sections (generation_id, number, title)
select %(generation_id)s, number, title from generation_sections where generation_id = %(failed_id)s;

-- name: carry_over_lessons
insert into generation_lessons (generation_id, number, section_number, title, goals, sources)
select %(generation_id)s, number, section_number, title, goals, sources
from generation_lessons where generation_id = %(failed_id)s;

-- name: carry_over_drafts
insert into generation_drafts (generation_id, lesson_number, body)
select %(generation_id)s, lesson_number, body from generation_drafts where generation_id = %(failed_id)s;

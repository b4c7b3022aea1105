-- name: insert_document
insert into generation_documents (generation_id, position, file_id, name, mime_type, body, headings, error)
values (%(generation_id)s, %(position)s, %(file_id)s, %(name)s, %(mime_type)s, %(body)s, %(headings)s, %(error)s);

-- name: list_documents
select file_id, name, mime_type, body, headings, error
from generation_documents where generation_id = %(generation_id)s order by position;

-- name: insert_brief
insert into generation_briefs (generation_id, brief) values (%(generation_id)s, %(brief)s);

-- name: find_brief
select brief from generation_briefs where generation_id = %(generation_id)s;

-- name: insert_section
insert into generation_sections (generation_id, number, title) values (%(generation_id)s, %(number)s, %(title)s);

-- name: insert_lesson
insert into generation_lessons (generation_id, number, section_number, title, goals, sources)
values (%(generation_id)s, %(number)s, %(section_number)s, %(title)s, %(goals)s, %(sources)s);

-- name: list_lessons
-- Every lesson with its section, in order.
select section.number as section_number, section.title as section_title, lesson.title, lesson.goals, lesson.sources
from generation_sections section
join generation_lessons lesson
    on lesson.generation_id = section.generation_id and lesson.section_number = section.number
where section.generation_id = %(generation_id)s
order by lesson.number;

-- name: insert_draft
insert into generation_drafts (generation_id, lesson_number, body)
values (%(generation_id)s, %(lesson_number)s, %(body)s);

-- name: list_drafts
select lesson_number, body from generation_drafts where generation_id = %(generation_id)s order by lesson_number;

-- name: insert_generated_course
insert into generated_courses (generation_id, body, summary) values (%(generation_id)s, %(body)s, %(summary)s);

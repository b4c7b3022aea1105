-- name: find_course
-- Owner of the course $1, and whether its generation runs.
select
    user_id,
    generation_progress #>> '{steps,0,status}' = 'completed'
    and generation_progress #>> '{steps,4,status}' is distinct from 'completed' as is_active
from courses where id = $1;

-- name: read_whole_course
-- Every column of the course $1, which the Node stack puts into its job.
select * from courses where id = $1;

-- name: complete_first_step
-- Marks the course $1 as started, with the metadata $2.
select update_course_progress($1, 1, 'completed', 'Инициализация завершена', null, null, $2);

-- name: read_course
-- What a stage reads of the course $1.
select
    id, title, language, style, course_description, target_audience, difficulty, lesson_duration_minutes,
    learning_outcomes, estimated_lessons, estimated_sections, content_strategy, output_formats,
    generation_progress -> 'files' as files
from courses where id = $1;

-- name: move_step
-- Moves the step $2 of the course $1 to the status $3 with the message $4.
select update_course_progress($1, $2, $3, $4);

-- name: move_step_and_status
-- The same; the course's own status becomes $5 unless that is null.
select
    update_course_progress($1, $2, $3, $4),
    case when $5::text is not null then coursegen.write_course($1, '[]', $5) end;

-- name: read_documents
-- Documents of the generation $1.
select file_id, name, mime_type, body, headings, error from coursegen.documents where generation_id = $1 order by position;

-- name: read_brief
-- Brief of the generation $1.
select brief from coursegen.briefs where generation_id = $1;

-- name: read_outline
-- Lessons of the generation $1 with their sections.
select
    section.number as section_number, section.title as section_title, lesson.title, lesson.goals, lesson.sources
from coursegen.sections section
join coursegen.lessons lesson
    on lesson.generation_id = section.generation_id and lesson.section_number = section.number
where section.generation_id = $1 order by lesson.number;

-- name: read_drafts
-- Texts of the lessons of the generation $1.
select lesson_number, body from coursegen.drafts where generation_id = $1 order by lesson_number;

-- The functions that start a course come with every release that has their files, as all functions do. This takes them
-- away again with the release that brought them.

-- migrate:up

-- migrate:down

drop function if exists start_course_progress, started_course_progress;
delete from sql_functions where name in ('start_course_progress', 'started_course_progress');

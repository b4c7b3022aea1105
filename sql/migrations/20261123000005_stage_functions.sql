-- The functions that begin and complete a stage come with every release that has their files, as all functions do. This
-- takes them away again with the release that brought them.

-- migrate:up

-- migrate:down

drop function if exists begin_stage, complete_stage, count_course_lessons, store_stage_result;
delete from sql_functions
where name in ('begin_stage', 'complete_stage', 'count_course_lessons', 'store_stage_result');

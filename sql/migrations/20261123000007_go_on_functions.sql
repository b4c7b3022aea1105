-- What a stage that goes on with the next is made of comes with every release that has its files, as all functions do. This
-- takes it away again with the release that brought it, and the form of complete_stage that it replaces.

-- migrate:up

drop function if exists complete_stage(
    uuid, text, int, bigint, bigint, int, text, text, text, text, int, jsonb, json, int, int, text[], bigint
);

-- migrate:down

drop function if exists moved_course_progress, stage_course, stage_given, write_course;
delete from sql_functions where name in ('moved_course_progress', 'stage_course', 'stage_given', 'write_course');

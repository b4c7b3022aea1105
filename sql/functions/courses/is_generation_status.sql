-- Whether a course's status is one that a generation sets (set_course_status).
create or replace function coursegen.is_generation_status(p_status text) returns boolean
language sql immutable parallel safe
as $$
    select coalesce(p_status in (
        'initializing', 'processing_documents', 'analyzing_task', 'generating_structure', 'generating_content',
        'finalizing', 'completed', 'failed', 'cancelled'
    ), false)
$$;

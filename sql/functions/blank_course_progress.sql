-- The progress with its five steps pending and nothing done; `files` and the keys of other makers stay.
create or replace function public.blank_course_progress(p_progress jsonb) returns jsonb
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    progress constant jsonb := case when jsonb_typeof(p_progress) = 'object' then p_progress else '{}' end
        || '{"message": "Генерация поставлена в очередь", "lessons_completed": 0, "lessons_total": 0, "metadata": {}}';
    has_documents constant boolean := public.has_documents(progress);
begin
    return public.course_progress(
        progress || jsonb_build_object('has_documents', has_documents), public.course_progress_steps(has_documents)
    );
end
$$;

-- The five steps, all pending. The second is called after what the course has.
create or replace function public.course_progress_steps(p_has_documents boolean) returns jsonb
language sql immutable parallel safe
as $$
    select jsonb_agg(
        jsonb_build_object(
            'id', id, 'name', name, 'status', 'pending',
            'started_at', null, 'completed_at', null, 'error', null, 'error_details', null
        ) order by id
    )
    from (values
        (1, 'Запуск генерации'),
        (2, case when p_has_documents then 'Обработка документов' else 'Анализ задачи' end),
        (3, 'Генерация структуры'),
        (4, 'Создание контента'),
        (5, 'Финализация')
    ) as step (id, name)
$$;

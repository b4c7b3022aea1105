-- The five steps, all pending. The second is called after what the course has.
create or replace function coursegen.course_progress_steps(p_has_documents boolean) returns jsonb
language sql immutable parallel safe
as $$
    -- A literal, because it is parsed once a plan: admissions build this structure all the time.
    select jsonb_set(
        '[
            {"id": 1, "name": "Запуск генерации", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null},
            {"id": 2, "name": "Анализ задачи", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null},
            {"id": 3, "name": "Генерация структуры", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null},
            {"id": 4, "name": "Создание контента", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null},
            {"id": 5, "name": "Финализация", "status": "pending", "started_at": null, "completed_at": null,
             "error": null, "error_details": null}
        ]'::jsonb,
        '{1,name}',
        case when p_has_documents then '"Обработка документов"'::jsonb else '"Анализ задачи"'::jsonb end
    )
$$;

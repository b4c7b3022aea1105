-- The five steps, all pending. The second is named after what the course has.
create or replace function coursegen.blank_course_steps(p_has_documents boolean) returns jsonb
language sql immutable parallel safe
as $$
    -- One literal: it is parsed once a plan.
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

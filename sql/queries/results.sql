-- name: read_results
-- Of what the stages of a generation have stored, that which is asked for; each in order, null where it was not asked for
-- or there is none. As JSON, which is one row for what else would be a statement each.
select
    case when 'documents' = any(%(needs)s) then (
        select json_agg(json_build_object(
            'file_id', file_id, 'name', name, 'mime_type', mime_type, 'text', body, 'headings', headings, 'error', error
        ) order by position)
        from generation_documents where generation_id = %(generation_id)s
    ) end as documents,
    case when 'brief' = any(%(needs)s) then (
        select brief from generation_briefs where generation_id = %(generation_id)s
    ) end as brief,
    case when 'outline' = any(%(needs)s) then (
        select json_agg(json_build_object(
            'section', section.number, 'section_title', section.title,
            'title', lesson.title, 'goals', lesson.goals, 'sources', lesson.sources
        ) order by lesson.number)
        from generation_sections section
        join generation_lessons lesson
            on lesson.generation_id = section.generation_id and lesson.section_number = section.number
        where section.generation_id = %(generation_id)s
    ) end as outline,
    case when 'drafts' = any(%(needs)s) then (
        select json_agg(json_build_object('lesson', lesson_number, 'text', body) order by lesson_number)
        from generation_drafts where generation_id = %(generation_id)s
    ) end as drafts;

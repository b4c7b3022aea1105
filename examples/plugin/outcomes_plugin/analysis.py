"""STRUCTURE_ANALYSIS from the course's learning outcomes: one goal for each."""

from pipeline.contract import Brief, Report, StageFailed, StageInput


def handle(stage_input: StageInput, report: Report) -> Brief:
    course = stage_input.course
    if not course.learning_outcomes:
        raise StageFailed("Добавьте в курс хотя бы один результат обучения")
    key_points = []
    for done, outcome in enumerate(course.learning_outcomes, 1):
        key_points.append(f"Как проверить: {outcome}")
        report(done, len(course.learning_outcomes))
    return Brief(
        topic=course.title,
        language=course.language or "ru",
        audience=course.target_audience or "",
        summary=course.description or course.title,
        goals=course.learning_outcomes,
        key_points=tuple(key_points),
    )

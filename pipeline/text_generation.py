"""TEXT_GENERATION: a Markdown draft per lesson."""

from pipeline.contract import Draft, Report, StageFailed, StageInput
from pipeline.drafting.escaping import escape_title
from pipeline.drafting.exercises import ask_questions, list_goals, list_questions
from pipeline.drafting.passages import Quoter
from pipeline.drafting.skeleton import sketch_lesson
from pipeline.language import choose_language, choose_phrases
from pipeline.structure_analysis import write_brief


def handle(stage_input: StageInput, report: Report) -> tuple[Draft, ...]:
    """One draft per lesson, in order: heading, goals, the source passages or a skeleton, questions.

    Raises StageFailed without an outline, or with one that names a document that isn't there.
    """
    outline, documents, course = stage_input.outline, stage_input.documents, stage_input.course
    if outline is None or not any(section.lessons for section in outline.sections):
        raise StageFailed("Структура курса пуста: нет уроков, для которых можно подготовить текст.")
    phrases = choose_phrases(choose_language(course, (document.text for document in documents)))
    lessons = [(section, lesson) for section in outline.sections for lesson in section.lessons]
    if any(not 0 <= span.document < len(documents) for _, lesson in lessons for span in lesson.sources):
        raise StageFailed("Структура курса ссылается на документ, которого нет.")
    titles = [lesson.title for _, lesson in lessons]
    quoter = Quoter(documents)
    drafts = []
    for number, (section, lesson) in enumerate(lessons, start=1):
        passages = quoter.quote(lesson.sources, lesson.title, (course.title, section.title))
        if passages.text.strip():
            body, questions = passages.text, ask_questions(lesson, passages.headings, phrases, number, section.title)
        else:
            brief = stage_input.brief or write_brief(course)
            sketch = sketch_lesson(lesson, number, brief, titles, phrases)
            body, questions = sketch.text, sketch.questions
        blocks = (
            f"# {escape_title(lesson.title)}",
            list_goals(lesson, phrases),
            body,
            list_questions(questions, phrases),
        )
        drafts.append(Draft(number, "\n\n".join(filter(None, blocks)) + "\n"))
        report(number, len(lessons))
    return tuple(drafts)

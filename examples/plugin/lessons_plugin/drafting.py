"""TEXT_GENERATION by a model: each lesson is a unit, paid for once."""

from functools import cache

from lessons_plugin.prompt import VERSION, ask_for_lesson
from lessons_plugin.provider import Provider
from lessons_plugin.settings import Settings, read_settings
from pipeline.contract import Draft, StageFailed, StageInput
from pipeline.work import Work

#: Characters of a usual lesson: how much of it has come is a guess.
USUAL_SIZE = 6_000

#: One for each process: it keeps its connections.
connect = cache(Provider)


def handle(stage_input: StageInput, work: Work) -> tuple[Draft, ...]:
    """One draft per lesson, in order. Lessons that an earlier run has paid for are taken from it."""
    settings = _read_settings()
    outline = stage_input.outline
    lessons = [(section, lesson) for section in (outline.sections if outline else ()) for lesson in section.lessons]
    drafts = []
    for number, (section, lesson) in enumerate(lessons, start=1):
        messages = ask_for_lesson(stage_input, section, lesson)
        unit = work.unit(str(number), messages, f"{VERSION} {settings.model} {settings.temperature:g}")
        text = unit.saved
        if text is None:

            def show(size: int, done: int = number - 1) -> None:
                work(done + min(size / USUAL_SIZE, 0.99), len(lessons))

            answer, model = connect(settings).answer(unit, messages, show)
            text = unit.save(f"# {lesson.title}\n\n{answer}\n", model=model)
        drafts.append(Draft(number, text))
        work(number, len(lessons))
    return tuple(drafts)


def _read_settings() -> Settings:
    try:
        return read_settings()
    except ValueError as error:
        raise StageFailed(f"Плагин не настроен: {error}. Обратитесь к администратору.") from error

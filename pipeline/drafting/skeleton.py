"""A lesson without source passages: what brief and goals say, and a plan to work by."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.contract import Brief, Lesson
from pipeline.drafting.escaping import escape_item, escape_plain_text
from pipeline.drafting.exercises import ask_questions, list_items
from pipeline.language import Phrases


@dataclass(frozen=True, slots=True)
class Sketch:
    """The body of a lesson and the questions that fit it."""

    text: str
    questions: tuple[str, ...]


def sketch_lesson(lesson: Lesson, number: int, brief: Brief, titles: Sequence[str], phrases: Phrases) -> Sketch:
    """For the introduction the course presented, for the conclusion its recap, for any other lesson a plan."""
    if number == 1 and lesson.title.startswith(phrases.introduction):
        return Sketch(_present_course(brief, titles[1:], phrases), (phrases.expectation_question,))
    if number == len(titles) and lesson.title.startswith(phrases.conclusion):
        goals = [phrases.goal_question.format(topic=goal.rstrip(".")) for goal in brief.goals[:5]]
        themes = titles[1:-1] if titles[0].startswith(phrases.introduction) else titles[:-1]
        recap = list_items(brief.goals or themes)
        return Sketch(f"## {phrases.recap}\n\n{recap}", tuple(goals) or (phrases.outlook_question,))
    topics = [goal.rstrip(".") for goal in lesson.goals] or [lesson.title]
    steps = [phrases.first_step, *(phrases.topic_step.format(topic=topic) for topic in topics), phrases.last_step]
    plan = "\n".join(f"{at}. {escape_item(step)}" for at, step in enumerate(steps, start=1))
    return Sketch(f"## {phrases.plan}\n\n{plan}", ask_questions(lesson, (), phrases, number))


def _present_course(brief: Brief, later_titles: Sequence[str], phrases: Phrases) -> str:
    """The summary, the goals, and the lessons to come where they are not just the goals again."""
    goals = {goal.rstrip(".").casefold() for goal in brief.goals}
    themes = [title for title in later_titles if title != phrases.conclusion]
    has_news = any(theme.casefold() not in goals for theme in themes)
    blocks = (
        (phrases.about, escape_plain_text(brief.summary)),
        (phrases.course_goals, list_items(brief.goals)),
        (phrases.course_contents, list_items(themes) if has_news else ""),
    )
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in blocks if text)

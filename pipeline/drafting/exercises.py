"""The goals on top of a lesson and the questions at its end."""

from collections.abc import Sequence

from pipeline.contract import Lesson
from pipeline.drafting.escaping import escape_item
from pipeline.language import Phrases
from pipeline.outline.names.furniture import Worth, judge_heading

_MOST_QUESTIONS = 5
_MOST_GOALS_ASKED = 2


def list_goals(lesson: Lesson, phrases: Phrases) -> str:
    """The lesson's goals as a list, "" when it has none."""
    return f"**{phrases.goals}:**\n\n{list_items(lesson.goals)}" if lesson.goals else ""


def ask_questions(
    lesson: Lesson, headings: Sequence[str], phrases: Phrases, number: int, section: str = ""
) -> tuple[str, ...]:
    """At most five questions on the sub-headings and goals of the lesson; without either on its title.

    A title that says nothing, «Заключение», gives way to the section's.

    The number of the lesson decides which wording comes first.
    """
    goals = [goal.rstrip(".;, ") for goal in lesson.goals][:_MOST_GOALS_ASKED]
    says_something = judge_heading(lesson.title, is_last=False) is Worth.GOOD
    title = lesson.title if says_something or not section else section
    topics = list(dict.fromkeys(headings)) or ([] if goals else [title])
    topics = _thin_out(topics, _MOST_QUESTIONS - len(goals))
    wordings = phrases.questions
    questions = [wordings[at % len(wordings)].format(topic=topic) for at, topic in enumerate(topics, start=number - 1)]
    return (*questions, *(phrases.goal_question.format(topic=goal) for goal in goals))


def list_questions(questions: Sequence[str], phrases: Phrases) -> str:
    """The closing block of a lesson: its questions, numbered and escaped."""
    return f"## {phrases.check}\n\n" + "\n".join(
        f"{at}. {escape_item(question)}" for at, question in enumerate(questions, start=1)
    )


def list_items(items: Sequence[str]) -> str:
    """The items as a Markdown list, escaped."""
    return "\n".join(f"- {escape_item(item)}" for item in items)


def _thin_out(topics: Sequence[str], count: int) -> list[str]:
    """At most `count` of the topics, taken evenly from all of them."""
    if len(topics) <= count:
        return list(topics)
    return [topics[len(topics) * at // count] for at in range(count)]

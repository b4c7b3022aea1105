"""An outline from the brief alone: an introduction, a lesson per goal or key point, a conclusion."""

from collections.abc import Sequence
from typing import TypeVar

from pipeline.contract import Brief, Course, Lesson, Outline, Section
from pipeline.language import Phrases, choose_phrases
from pipeline.outline.goals import find_stems
from pipeline.outline.limits import read_limits
from pipeline.outline.titles import capitalise, clean_title, join_titles, tell_apart

_LESSONS_PER_SECTION = 5
_Item = TypeVar("_Item")


def outline_brief(course: Course, brief: Brief) -> Outline:
    """Sections and lessons within the course's estimates, on what the brief names and nothing else.

    Introduction and conclusion have lessons of their own when three lessons or more are allowed.
    """
    limits = read_limits(course)
    phrases = choose_phrases(course)
    themes = _collect_themes(brief)
    has_frame = limits.lessons >= 3
    middle = [
        (join_titles([title for title, _ in part], phrases), tuple(goal for _, goal in part if goal))
        for part in divide(themes, limits.lessons - 2 * has_frame)
    ]
    lessons = (
        [(f"{phrases.introduction}: {brief.topic}", ()), *middle, (phrases.conclusion, ())] if has_frame else middle
    )
    titles = tell_apart([clean_title(title) or brief.topic for title, _ in lessons], [""] * len(lessons))
    made = [Lesson(title, goals) for title, (_, goals) in zip(titles, lessons, strict=True)]
    wanted = limits.sections if limits.sections_are_estimated else -(-len(made) // _LESSONS_PER_SECTION)
    parts = divide(made, min(wanted, limits.sections))
    names = [clean_title(brief.topic)] if len(parts) == 1 else [_name_section(part, titles, phrases) for part in parts]
    return Outline(
        tuple(
            Section(name, tuple(part)) for name, part in zip(tell_apart(names, [""] * len(parts)), parts, strict=True)
        )
    )


def divide(items: Sequence[_Item], count: int) -> list[Sequence[_Item]]:
    """The items in order in at most `count` parts, none empty, their lengths differing by one at most."""
    count = min(max(count, 1), len(items))
    return [items[len(items) * at // count : len(items) * (at + 1) // count] for at in range(count)]


def _collect_themes(brief: Brief) -> list[tuple[str, str]]:
    """Titles with the goal each stands for, "" for a key point; key points that repeat a goal are left out."""
    themes = [(capitalise(clean_title(goal)), goal) for goal in brief.goals]
    known = [find_stems(goal) for goal in brief.goals]
    for point in brief.key_points:
        stems = find_stems(point)
        if not any(stems and stems <= other for other in known):
            themes.append((capitalise(clean_title(point)), ""))
            known.append(stems)
    return [theme for theme in themes if theme[0]] or [(clean_title(brief.topic), "")]


def _name_section(lessons: Sequence[Lesson], titles: Sequence[str], phrases: Phrases) -> str:
    """The titles of the section's lessons joined, without those of introduction and conclusion where others remain."""
    framing = {titles[0], titles[-1]}
    themes = [lesson.title for lesson in lessons if lesson.title not in framing]
    if themes:
        return join_titles(themes, phrases)
    return phrases.introduction if lessons[0].title == titles[0] else phrases.conclusion

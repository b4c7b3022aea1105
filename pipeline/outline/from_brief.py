"""An outline from the brief alone: an introduction, lessons per goal or key point, a conclusion."""

from collections.abc import Sequence
from typing import TypeVar

from pipeline.contract import Brief, Course, Lesson, Outline, Section
from pipeline.language import Phrases, choose_phrases
from pipeline.outline.goals import find_stems
from pipeline.outline.limits import Limits, read_limits
from pipeline.outline.titles import capitalise, clean_title, join_titles, tell_apart

_LESSONS_PER_SECTION = 5
_Item = TypeVar("_Item")
#: A lesson to be: its title and its goals.
_Plan = tuple[str, tuple[str, ...]]


def outline_brief(course: Course, brief: Brief) -> Outline:
    """Sections and lessons within the course's estimates, on what the brief names and nothing else.

    Introduction and conclusion have lessons of their own when three lessons or more are allowed. Where the estimate
    leaves room for it, every theme has two or three lessons, from notions to practice, which stay in one section.
    """
    limits = read_limits(course)
    phrases = choose_phrases(course)
    has_frame = limits.lessons >= 3
    themes = [
        (join_titles([title for title, _ in part], phrases), tuple(goal for _, goal in part if goal))
        for part in divide(_collect_themes(brief), limits.lessons - 2 * has_frame)
    ]
    plans = [_plan_theme(theme, _count_facets(limits, len(themes), has_frame), phrases) for theme in themes]
    if has_frame:
        plans = [[(f"{phrases.introduction}: {brief.topic}", ())], *plans, [(phrases.conclusion, ())]]
    flat = [plan for group in plans for plan in group]
    titles = tell_apart([clean_title(title) or brief.topic for title, _ in flat], [""] * len(flat))
    lessons = iter([Lesson(title, goals) for title, (_, goals) in zip(titles, flat, strict=True)])
    made = [[next(lessons) for _ in group] for group in plans]
    parts = _divide_sections(made, limits)
    names = [clean_title(brief.topic)] if len(parts) == 1 else [_name_section(part, titles, phrases) for part in parts]
    return Outline(
        tuple(
            Section(name, tuple(part)) for name, part in zip(tell_apart(names, [""] * len(parts)), parts, strict=True)
        )
    )


def _count_facets(limits: Limits, themes: int, has_frame: bool) -> int:
    """How many lessons every theme has: more than one only if the course's owner asks for as many."""
    return (limits.lessons - 2) // themes if has_frame and limits.lessons_are_estimated else 1


def _plan_theme(theme: _Plan, count: int, phrases: Phrases) -> list[_Plan]:
    """The lessons of a theme; its goals belong to the last, where they are reached."""
    title, goals = theme
    if count < 2:
        return [theme]
    facets = phrases.facets if count >= len(phrases.facets) else (phrases.facets[0], phrases.facets[-1])
    return [
        (facet.format(topic=title), goals if number == len(facets) else ())
        for number, facet in enumerate(facets, start=1)
    ]


def _divide_sections(groups: Sequence[Sequence[Lesson]], limits: Limits) -> list[list[Lesson]]:
    """The lessons in sections, groups of several whole; several lessons each where too few are made."""
    count = sum(map(len, groups))
    if any(len(group) > 1 for group in groups):
        first, *themes, last = groups  # themes have several lessons only between introduction and conclusion
        parts = divide(themes, limits.sections)
        sections = [[lesson for group in part for lesson in group] for part in parts]
        sections[0][:0] = first
        sections[-1].extend(last)
        return sections
    wanted = limits.sections if limits.sections_are_estimated else -(-count // _LESSONS_PER_SECTION)
    if count < limits.lessons:
        wanted = min(wanted, max(count // 2, 1))
    flat = [lesson for group in groups for lesson in group]
    return [list(part) for part in divide(flat, min(wanted, limits.sections))]


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
        return join_titles(_drop_facets(themes, phrases), phrases)
    return phrases.introduction if lessons[0].title == titles[0] else phrases.conclusion


def _drop_facets(titles: Sequence[str], phrases: Phrases) -> list[str]:
    endings = tuple(facet.format(topic="") for facet in phrases.facets)
    return [next((title.removesuffix(end) for end in endings if title.endswith(end)), title) for title in titles]

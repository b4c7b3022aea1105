"""An outline from the brief alone: an introduction, lessons per topic or goal, a conclusion."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, repeat
from typing import TypeVar

from pipeline.briefing.outcomes import name_theme
from pipeline.contract import Brief, Course, Lesson, Outline, Section
from pipeline.language import Phrases, choose_phrases
from pipeline.outline.goals import find_stems
from pipeline.outline.groups.balancing import balance
from pipeline.outline.limits import Limits, explain_shortfall, read_limits
from pipeline.outline.names.titles import clean_title, tell_apart

_LESSONS_PER_SECTION = 5
#: Fewer lessons than this have neither introduction nor conclusion.
_FEWEST_FRAMED = 3
#: The lessons of a course that has a title only.
_LESSONS_OF_TITLE = 3
_INTRODUCTION_TO = re.compile(r"(?:an? )?introduction to (?:the )?(?=\w)", re.IGNORECASE)
#: The price of having introduction and conclusion in one section with the themes beside them: they always are.
_TOGETHER = -1e6
_TOO_LITTLE_KNOWN = "тем и целей, которые названы у курса, на большее не хватает"

log = logging.getLogger(__name__)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class _Theme:
    """What one or several lessons are about, and the goals that they serve."""

    title: str
    goals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    """Lessons that stay in one section, which they may name."""

    name: str
    lessons: tuple[Lesson, ...]


def outline_brief(course: Course, brief: Brief) -> Outline:
    """Sections and lessons within the course's estimates, on what the brief names and nothing else.

    Introduction and conclusion have lessons of their own where there is room for them. Where the estimate leaves more,
    every theme has several lessons, from notions to practice, which stay in one section.
    """
    limits = read_limits(course)
    phrases = choose_phrases(brief.language)
    themes = [_join_themes(part, phrases) for part in divide(_collect_themes(brief), limits.lessons)]
    room = limits.lessons - len(themes) if limits.lessons >= _FEWEST_FRAMED else 0
    counts = _count_lessons(themes, limits, room)
    groups = [_Group(theme.title, _plan(theme, count, phrases)) for theme, count in zip(themes, counts, strict=True)]
    if room:
        groups.insert(0, _Group(phrases.introduction, (Lesson(phrases.introduction),)))
    if room > 1:
        groups.append(_Group(phrases.conclusion, (Lesson(phrases.conclusion),)))
    flat = [lesson.title for group in groups for lesson in group.lessons]
    titles = iter(tell_apart(flat, repeat("")))
    groups = [
        replace(group, lessons=tuple(replace(lesson, title=next(titles)) for lesson in group.lessons))
        for group in groups
    ]
    parts = _divide_sections(groups, limits, has_frame=room > 1)
    names = [clean_title(brief.topic)] if len(parts) == 1 else [_name_section(part, phrases) for part in parts]
    sections = tuple(
        Section(name, tuple(lesson for group in part for lesson in group.lessons))
        for name, part in zip(tell_apart(names, repeat("")), parts, strict=True)
    )
    notes = explain_shortfall(course, len(sections), sum(len(s.lessons) for s in sections), _TOO_LITTLE_KNOWN)
    if notes:
        log.info("estimates_missed", extra={"notes": " ".join(notes)})
    return Outline(sections, notes)


def divide(items: Sequence[_Item], count: int) -> list[Sequence[_Item]]:
    """The items in order in at most `count` parts, none empty, their lengths differing by one at most."""
    count = min(max(count, 1), len(items))
    return [items[len(items) * at // count : len(items) * (at + 1) // count] for at in range(count)]


def _collect_themes(brief: Brief) -> list[_Theme]:
    """The key points in their order, each with the goals that speak of it; then the goals that no point speaks of.

    Points are in the order in which they are taught, goals are not.
    """
    themes = [_Theme(name_theme(point)) for point in brief.key_points]
    stems = [find_stems(point) for point in brief.key_points]
    others = []
    for goal in brief.goals:
        shared = [len(point & find_stems(goal)) / (len(point) or 1) for point in stems]
        best = max(range(len(shared)), key=lambda at: (shared[at], at), default=-1)  # the last: it can be reached there
        if best >= 0 and shared[best] >= 1 / 2:
            themes[best] = replace(themes[best], goals=(*themes[best].goals, goal))
        else:
            others.append(_Theme(name_theme(goal), (goal,)))
    topic = clean_title(brief.topic)
    whole = _INTRODUCTION_TO.sub("", topic)
    return [theme for theme in (*themes, *others) if theme.title] or [
        _Theme(whole[:1].upper() + whole[1:], brief.goals),
    ]


def _join_themes(themes: Sequence[_Theme], phrases: Phrases) -> _Theme:
    """One theme for several, called after the first."""
    title = themes[0].title
    goals = tuple(goal for theme in themes for goal in theme.goals)
    return _Theme(phrases.first_of_several.format(title=title) if len(themes) > 1 else title, goals)


def _count_lessons(themes: Sequence[_Theme], limits: Limits, room: int) -> list[int]:
    """How many lessons each theme has: more than one only if the course's owner asks for as many."""
    if not limits.lessons_are_estimated:
        return [_LESSONS_OF_TITLE if len(themes) == 1 and not themes[0].goals else 1] * len(themes)
    count, more = divmod(limits.lessons - min(room, 2), len(themes))
    return [count + (number < more) for number in range(len(themes))]


def _plan(theme: _Theme, count: int, phrases: Phrases) -> tuple[Lesson, ...]:
    """The lessons of a theme; its goals belong to the last, where they are reached."""
    if count < 2:
        return (Lesson(theme.title, theme.goals),)
    notions, _, practice, *_ = phrases.facets
    facets = (notions, practice) if count == 2 else phrases.facets[:count]
    topic = theme.title.replace(": ", " — ")
    return tuple(
        Lesson(facet.format(topic=topic), theme.goals if number == len(facets) else ())
        for number, facet in enumerate(facets, start=1)
    )


def _divide_sections(groups: Sequence[_Group], limits: Limits, *, has_frame: bool) -> list[list[_Group]]:
    """The groups in sections; introduction and conclusion have sections of their own only where these are missing."""
    count = sum(len(group.lessons) for group in groups)
    wanted = limits.sections
    if not limits.sections_are_estimated:
        wanted = min(wanted, -(-count // _LESSONS_PER_SECTION), max(count // 2, 1))
    free: list[float | None] = [0.0] * len(groups)
    if has_frame and wanted < len(groups):
        free[-1] = _TOGETHER
        free[1] = _TOGETHER if wanted < len(groups) - 1 else None
    starts = balance([len(group.lessons) for group in groups], free, wanted)
    return [list(groups[start:end]) for start, end in pairwise([*starts, len(groups)])]


def _name_section(groups: Sequence[_Group], phrases: Phrases) -> str:
    """The name of its theme, or of the first of several; that of the frame where there is none."""
    themes = [group.name for group in groups if group.name not in {phrases.introduction, phrases.conclusion}]
    if not themes:
        return groups[0].name
    return phrases.first_of_several.format(title=themes[0]) if len(themes) > 1 else themes[0]

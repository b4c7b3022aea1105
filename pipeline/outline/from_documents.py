"""An outline from documents: every passage in exactly one lesson, in the order of the documents."""

from collections.abc import Sequence
from itertools import pairwise

from pipeline.contract import Course, Document, Lesson, Outline, Section
from pipeline.language import Phrases, choose_phrases
from pipeline.outline.balancing import balance, count_manageable
from pipeline.outline.goals import match_goals
from pipeline.outline.grouping import Cost, merge_neighbours
from pipeline.outline.limits import Limits, read_limits
from pipeline.outline.naming import name_groups
from pipeline.outline.passages import AFTER_OWN_INTRODUCTION, Passage, Topic, cut_documents, join_spans
from pipeline.outline.sections import plan_sections
from pipeline.outline.splitting import split_large
from pipeline.outline.titles import clean_title, tell_apart

#: Lessons shorter than this, in characters, are merged with a neighbour: without an estimate, and with one.
_SMALLEST_LESSON, _SMALLEST_ESTIMATED_LESSON = 400, 80
#: How dear it is to have text from both sides of a boundary in one lesson, by the boundary's strength.
_WEIGHTS = {0: 8.0, 1: 4.0, 2: 2.0, AFTER_OWN_INTRODUCTION: 1.0}
_OTHER_WEIGHT = 1.5
#: The same against evenness: a lesson of average size that disappears is worth 1.
_PENALTY = 0.2


def outline_documents(course: Course, documents: Sequence[Document]) -> Outline:
    """Sections and lessons whose spans hold every non-blank character of the readable documents exactly once, in order.

    At least one document must be readable.
    """
    limits = read_limits(course)
    phrases = choose_phrases(course)
    topics, passages = cut_documents(documents)
    total = sum(passage.size for passage in passages)
    target = max(limits.lesson_length, total / limits.lessons)
    passages = split_large(passages, documents, limits.lessons, target)
    section_starts = _group_sections(passages, limits)
    lesson_starts = _group_lessons(passages, section_starts, limits)
    return _assemble(course, documents, topics, passages, section_starts, lesson_starts, phrases)


def _group_sections(passages: Sequence[Passage], limits: Limits) -> list[int]:
    """Where sections begin: at the strongest boundaries; of the weakest among them, those that make sections even."""
    depth, limit = plan_sections([passage.strength for passage in passages], limits)
    starts = [at for at, passage in enumerate(passages) if at == 0 or passage.strength <= depth]
    strengths = [passages[start].strength for start in starts]
    kept = sorted(strengths[1:])[: limit - 1]
    weakest = kept[-1] if kept else 0
    starts = [start for start in starts if start == 0 or passages[start].strength <= weakest]
    fixed_or_free = [None if passages[start].strength < weakest else 0 for start in starts]
    return _group(passages, starts, fixed_or_free, limit, lambda _, size: (size,))


def _group_lessons(passages: Sequence[Passage], section_starts: Sequence[int], limits: Limits) -> list[int]:
    """Where lessons begin: wherever sections do, and where it makes lessons even and keeps together what belongs so."""
    fixed = set(section_starts)
    return _group(
        passages,
        range(len(passages)),
        [None if at in fixed else passage.strength for at, passage in enumerate(passages)],
        limits.lessons,
        lambda strength, size: (_WEIGHTS.get(strength, _OTHER_WEIGHT) * size,),
        smallest=_SMALLEST_ESTIMATED_LESSON if limits.lessons_are_estimated else _SMALLEST_LESSON,
    )


def _group(
    passages: Sequence[Passage],
    starts: Sequence[int],
    strengths: Sequence[int | None],
    limit: int,
    cost: Cost,
    smallest: int = 0,
) -> list[int]:
    """Those of `starts` where a group begins: first merged to as many as can be balanced exactly, then balanced."""
    rough = merge_neighbours(_measure(passages, starts), strengths, count_manageable(limit), cost, smallest)
    rough_starts = [starts[at] for at in rough]
    rough_strengths = [strengths[at] for at in rough]
    penalties = [None if strength is None else _PENALTY * cost(strength, 1)[0] for strength in rough_strengths]
    return [rough_starts[at] for at in balance(_measure(passages, rough_starts), penalties, limit)]


def _measure(passages: Sequence[Passage], starts: Sequence[int]) -> list[int]:
    """The sizes of the groups that begin at `starts`."""
    return [sum(p.size for p in passages[start:end]) for start, end in pairwise([*starts, len(passages)])]


def _assemble(
    course: Course,
    documents: Sequence[Document],
    topics: Sequence[Topic],
    passages: Sequence[Passage],
    section_starts: Sequence[int],
    lesson_starts: Sequence[int],
    phrases: Phrases,
) -> Outline:
    sections = [passages[start:end] for start, end in pairwise([*section_starts, len(passages)])]
    lessons = [passages[start:end] for start, end in pairwise([*lesson_starts, len(passages)])]
    section_names = name_groups(topics, sections, clean_title(course.title), phrases)
    section_titles = tell_apart(section_names, [""] * len(sections))
    owners = [sum(start <= at for start in section_starts) - 1 for at in lesson_starts]
    titles = tell_apart(
        name_groups(topics, lessons, clean_title(course.title), phrases), [section_titles[owner] for owner in owners]
    )
    spans = [join_spans(lesson) for lesson in lessons]
    goals = match_goals(
        course.learning_outcomes,
        titles,
        [[documents[span.document].text[span.start : span.end] for span in sources] for sources in spans],
    )
    made = [Lesson(*lesson) for lesson in zip(titles, goals, spans, strict=True)]
    return Outline(
        tuple(
            Section(title, tuple(lesson for lesson, owner in zip(made, owners, strict=True) if owner == number))
            for number, title in enumerate(section_titles)
        )
    )

"""An outline from documents: every passage in exactly one lesson, in the order of the documents."""

import logging
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice, product, repeat
from math import sqrt
from statistics import median

from pipeline.briefing.outcomes import tidy_outcomes
from pipeline.contract import Course, Document, Lesson, Outline, Section
from pipeline.language import Phrases, choose_language, choose_phrases
from pipeline.outline.cuts.passages import Passage, Topic, cut_documents, join_spans
from pipeline.outline.cuts.splitting import split_large
from pipeline.outline.goals import Described, match_goals
from pipeline.outline.groups.arranging import Arrangement, group_lessons, group_sections
from pipeline.outline.limits import Limits, explain_shortfall, read_limits
from pipeline.outline.names.furniture import Worth
from pipeline.outline.names.naming import name_groups
from pipeline.outline.names.titles import clean_title, tell_apart

#: Lessons are not planned shorter than this, in characters: without an estimate, and with one.
_SHORTEST_LESSON, _SHORTEST_ESTIMATED_LESSON = 800, 200
#: Lessons shorter than this are merged with a neighbour: without an estimate, and with one.
_SMALLEST_LESSON, _SMALLEST_ESTIMATED_LESSON = 400, 80
#: No lesson should be longer than this many times the median one.
_UNEVEN = 2.0
#: Where sections make lessons uneven, there are only so many that each has this many lessons.
_LESSONS_PER_SECTION = 3
#: A lesson up to this many characters is short beside any other.
_SHORT_ENOUGH = 2400
#: How dear it is to part what belongs together, against evenness: each is tried until lessons are even.
_PENALTIES = (0.2, 0.08, 0.02)
_TOO_LITTLE_TEXT = "в документах слишком мало текста или заголовков"

log = logging.getLogger(__name__)


def outline_documents(course: Course, documents: Sequence[Document]) -> Outline:
    """Sections and lessons whose spans hold every non-blank character of the readable documents exactly once, in order.

    A document with the text of an earlier one is left out. At least one document must be readable.
    """
    limits = read_limits(course, len(documents))
    phrases = choose_phrases(choose_language(course, (document.text for document in documents)))
    topics, passages = cut_documents(documents, clean_title(course.title) or phrases.course)
    arranged = _arrange(passages, documents, limits)
    sections = _assemble(course, documents, topics, arranged, phrases)
    notes = explain_shortfall(course, len(arranged.section_starts), len(arranged.lesson_starts), _TOO_LITTLE_TEXT)
    if notes:
        log.info("estimates_missed", extra={"notes": " ".join(notes)})
    return Outline(sections, notes)


def _arrange(passages: Sequence[Passage], documents: Sequence[Document], limits: Limits) -> Arrangement:
    """The passages in lessons and sections: as many as estimated, else by headings; made even where they aren't."""
    total = sum(passage.size for passage in passages)
    if limits.lessons_are_estimated:
        wanted = max(min(limits.lessons, total // _SHORTEST_ESTIMATED_LESSON), 1)
        return _arrange_evenly(passages, documents, limits, wanted)
    target = max(limits.lesson_length, total / limits.lessons)
    pieces = split_large(passages, documents, target, at_least=limits.sections_wanted, shortest=_SHORTEST_LESSON)
    sections = group_sections(pieces, limits, limits.lessons)
    lessons = group_lessons(pieces, sections, limits.lessons, _PENALTIES[0], smallest=_SMALLEST_LESSON)
    natural = Arrangement(pieces, sections, lessons)
    if max(natural.lesson_sizes) <= _SHORT_ENOUGH or _measure_unevenness(natural) <= _UNEVEN:
        return natural
    sizes = natural.lesson_sizes
    length = max(sqrt(median(sizes) * max(sizes)), _SHORTEST_LESSON)
    wanted = sum(max(round(size / length), 1) for size in natural.section_sizes)
    wanted = min(max(wanted, limits.sections_wanted), limits.lessons)
    even = _arrange_evenly(passages, documents, limits, wanted)
    return min(even, natural, key=_measure_unevenness)


def _arrange_evenly(
    passages: Sequence[Passage], documents: Sequence[Document], limits: Limits, wanted: int
) -> Arrangement:
    """Lessons, as many as `wanted` where the text can be divided so, the more even the less their passages agree."""
    target = max(sum(passage.size for passage in passages) / wanted, 1)
    pieces = split_large(passages, documents, target, at_least=wanted, shortest=_SHORTEST_ESTIMATED_LESSON)
    tried: list[Arrangement] = []
    for most_sections, penalty in product((wanted, wanted // _LESSONS_PER_SECTION), _PENALTIES):
        sections = group_sections(pieces, limits, max(most_sections, limits.sections_wanted, 1))
        lessons = group_lessons(pieces, sections, wanted, penalty, smallest=_SMALLEST_ESTIMATED_LESSON)
        tried.append(Arrangement(pieces, sections, lessons))
        if _measure_unevenness(tried[-1]) <= _UNEVEN:
            return tried[-1]
    return min(tried, key=_measure_unevenness)


def _measure_unevenness(arranged: Arrangement) -> float:
    """The longest lesson, in medians."""
    return max(arranged.lesson_sizes) / max(median(arranged.lesson_sizes), 1)


def _assemble(
    course: Course,
    documents: Sequence[Document],
    topics: Sequence[Topic],
    arranged: Arrangement,
    phrases: Phrases,
) -> tuple[Section, ...]:
    sections, lessons = arranged.sections, arranged.lessons
    whole = clean_title(course.title)
    names = name_groups(topics, sections, whole, phrases)
    several = phrases.first_of_several
    section_titles = tell_apart((several.format(title=name) if more else name for name, more in names), repeat(""))
    owners = [sum(start <= at for start in arranged.section_starts) - 1 for at in arranged.lesson_starts]
    lesson_names = name_groups(topics, lessons, whole, phrases, without_numbers=True)
    titles = tell_apart((name for name, _ in lesson_names), (names[owner][0] for owner in owners))
    spans = [join_spans(lesson) for lesson in lessons]
    described = [
        Described(
            title,
            _find_headings(topics, lesson),
            names[owner][0],
            [documents[span.document].text[span.start : span.end] for span in sources],
        )
        for title, lesson, owner, sources in zip(titles, lessons, owners, spans, strict=True)
    ]
    goals = match_goals(tidy_outcomes(course.learning_outcomes), described)
    made = [Lesson(*lesson) for lesson in zip(titles, goals, spans, strict=True)]
    return tuple(
        Section(title, tuple(lesson for lesson, owner in zip(made, owners, strict=True) if owner == number))
        for number, title in enumerate(section_titles)
    )


def _find_headings(topics: Sequence[Topic], lesson: Sequence[Passage]) -> list[str]:
    """The headings within a lesson that name something."""
    first, last = lesson[0], lesson[-1]
    start = bisect_left(topics, (first.document, first.start), key=_position)
    end = bisect_left(topics, (last.document, last.end), key=_position)
    return [topic.title for topic in islice(topics, start, end) if topic.worth is not Worth.NONE]


def _position(topic: Topic) -> tuple[int, int]:
    return topic.document, topic.start

"""Which of the course's goals a lesson serves, judged by shared words."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

_WORD = re.compile(r"[^\W\d_]{3,}|[^\W\d_]+[+#]+")
_RUSSIAN_INFINITIVE = re.compile(r"[а-я]+(?:ть|ться|чь|чься|сти|стись|зти)")
#: What else is no subject: what one does with it, and what every goal says.
_ENGLISH_VERBS = """
    analyse analyze apply assess avoid be build calculate choose classify compare compute configure construct create
    debug declare define demonstrate deploy derive describe design determine develop differentiate discuss distinguish
    do draw estimate evaluate examine explain explore express find formulate get give handle have identify illustrate
    implement improve install interpret know learn list make manage master measure organise organize perform plan
    predict prepare present prove read recall recognise recognize run select set show sketch solve state summarise
    summarize teach tell understand use using work write able will can should must
"""
_COMMON = """
    для что как или при про над под без его это эти они она так там тем все всех еще уже где чем том той которые который
    которого также чтобы когда своих свои своей этого этот более между через после перед если будет может можно нужно
    разных различных основные основных новых работа работу навык навыки умение умения знание знания курс курса
    the and for are how why who its one two from with that this their they what when which into about your more than
    different various basic main simple new student students course skill skills knowledge
"""
_NO_SUBJECT = frozenset(f"{_ENGLISH_VERBS} {_COMMON}".split())
_RUSSIAN_ENDING = re.compile(r"(?<=..)(?:[ое]го|[ое]му|[аяыи]ми|[оеыи]й|[аяоеыи]м|[аяыие]х|[оеё]в|[аеиоуыэюяьй])$")
_ENGLISH_ENDING = re.compile(r"(?<=..)(?:(?<=..)ing|(?<=..)ed|(?<=[sxz])es|(?<=[cs]h)es|(?<![su])s)$")
_VOWELS = "аеиоуыэюяьй"

#: A goal is listed in at most this many lessons; in the second only if that fits nearly so well as the first.
_MOST_LESSONS, _SECOND_BEST = 2, 0.45
#: Of the weight of the goal's words, what a lesson must have in a title; and what it must have in its text alone.
_ENOUGH_IN_TITLE, _ENOUGH_IN_TEXT = 0.25, 0.8
#: What a heading within a lesson counts, in titles of the lesson itself.
_HEADING = 0.8


@dataclass(frozen=True, slots=True)
class _Words:
    """The stems of a lesson: of its title and each of its headings, and those of its text with their numbers."""

    titles: tuple[frozenset[str], ...]
    text: Counter[str]


def find_stems(text: str) -> frozenset[str]:
    """The words of `text` that name a subject, without case and endings. Verbs and common words are left out."""
    words = _WORD.findall(text.casefold().replace("ё", "е"))
    return frozenset(
        _find_stem(word) for word in words if word not in _NO_SUBJECT and not _RUSSIAN_INFINITIVE.fullmatch(word)
    )


def match_goals(
    goals: Sequence[str], titles: Sequence[str], headings: Sequence[Sequence[str]], texts: Iterable[Sequence[str]]
) -> list[tuple[str, ...]]:
    """Per lesson, the goals whose words it mentions; a goal goes to its two best lessons at most.

    The only lesson serves all of them. Titles go before headings, and these before the text, which must have nearly all
    of the words; a word that few lessons have weighs more.
    """
    if len(titles) == 1:
        return [tuple(goals)]
    wanted = [find_stems(goal) for goal in goals]
    of_interest = frozenset[str]().union(*wanted)
    if not of_interest:
        return [() for _ in titles]
    lessons = [
        _Words((find_stems(title), *map(find_stems, inner)), _count_stems(pieces, of_interest))
        for title, inner, pieces in zip(titles, headings, texts, strict=True)
    ]
    spread = Counter(stem for lesson in lessons for stem in of_interest if stem in lesson.text)
    weights = {stem: log(1 + len(lessons) / max(spread[stem], 1)) for stem in of_interest}
    matched: list[list[str]] = [[] for _ in titles]
    for goal, stems in zip(goals, wanted, strict=True):
        for number in _choose_lessons([_score(stems, lesson, weights) for lesson in lessons]):
            matched[number].append(goal)
    return [tuple(lesson) for lesson in matched]


def _choose_lessons(scores: Sequence[tuple[float, float]]) -> list[int]:
    """The lessons with the best scores by titles, or without any such by text, in order."""
    for scale in zip(*scores, strict=True):
        best = sorted((-score, number) for number, score in enumerate(scale) if score)[:_MOST_LESSONS]
        if best:
            return sorted(number for score, number in best if score <= _SECOND_BEST * best[0][0])
    return []


def _score(goal: frozenset[str], lesson: _Words, weights: dict[str, float]) -> tuple[float, float]:
    """How well the goal fits one of the lesson's titles, and its text; 0 when too little to go by."""
    whole = sum(weights[stem] for stem in sorted(goal))
    if not whole:
        return 0, 0
    by_title = 0.0
    for number, title in enumerate(lesson.titles):
        shared = sum(weights[stem] for stem in sorted(goal & title))
        if shared >= _ENOUGH_IN_TITLE * whole:
            others = len(title - goal) / (len(title) or 1)
            by_title = max(by_title, shared / whole * (1 - others / 2) * (_HEADING if number else 1))
    mentioned = [stem for stem in sorted(goal) if lesson.text[stem]]
    by_text = sum(weights[stem] * (1 + log(lesson.text[stem])) for stem in mentioned)
    return by_title, by_text if sum(weights[stem] for stem in mentioned) >= _ENOUGH_IN_TEXT * whole else 0


def _count_stems(pieces: Sequence[str], of_interest: frozenset[str]) -> Counter[str]:
    words = Counter(word for piece in pieces for word in _WORD.findall(piece.casefold().replace("ё", "е")))
    stems: Counter[str] = Counter()
    for word, count in words.items():
        stem = _find_stem(word)
        if stem in of_interest:
            stems[stem] += count
    return stems


def _find_stem(word: str) -> str:
    """The word without its ending; words of one stem differ in nothing else."""
    if word[-1] in "+#":
        return word
    if word.isascii():
        stem = _ENGLISH_ENDING.sub("", word)
        return f"{stem[:-2]}y" if stem.endswith("ie") else stem.rstrip("e") if len(stem) > 3 else stem
    return _RUSSIAN_ENDING.sub("", word).rstrip(_VOWELS) or word

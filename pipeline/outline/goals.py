"""Which of the course's goals a lesson serves, judged by shared words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

_WORD = re.compile(r"[^\W\d_]{3,}|[^\W\d_]+[+#]+")
_RUSSIAN_INFINITIVE = re.compile(r"[а-я]+(?:ть|ться|чь|чься|сти|стись|зти)")
#: What else is no subject: what one does with it, and what every goal says.
_ENGLISH_VERBS = """
    analyse analyze apply assess avoid be build calculate choose classify compare compute configure construct create
    debug declare define demonstrate deploy derive describe determine develop differentiate discuss distinguish do
    evaluate examine explain explore express find formulate get give handle have identify illustrate implement improve
    install interpret know learn make manage master organise organize perform predict prepare prove read recall
    recognise recognize run select show sketch solve summarise summarize teach tell understand use using work write
    able will can should must
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

#: A goal is listed in at most this many lessons: in the second for words that the first does not name, or if it fits
#: nearly so well.
_MOST_LESSONS, _SECOND_BEST = 2, 0.6
#: Of the weight of the goal's words, what a lesson must have in a title; and what it must have in its text alone.
_ENOUGH_IN_TITLE, _ENOUGH_IN_TEXT = 0.25, 0.8
#: What a heading within a lesson counts, and the title of its section, against its own title.
_HEADING, _SECTION = 0.8, 0.6


@dataclass(frozen=True, slots=True)
class Described:
    """What a lesson is called, with the headings in it and the section that it is in, and its text in pieces."""

    title: str
    headings: Sequence[str]
    section: str
    text: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Words:
    """The stems of a lesson: of its titles, with what each counts, and those of its text with their numbers."""

    titles: Sequence[tuple[frozenset[str], float]]
    text: Counter[str]


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a lesson fits, and the words of the goal that its title names."""

    score: float
    named: frozenset[str]
    number: int


def find_stems(text: str) -> frozenset[str]:
    """The words of `text` that name a subject, without case and endings. Verbs and common words are left out."""
    words = _WORD.findall(text.casefold().replace("ё", "е"))
    return frozenset(
        _find_stem(word) for word in words if word not in _NO_SUBJECT and not _RUSSIAN_INFINITIVE.fullmatch(word)
    )


def match_goals(goals: Sequence[str], lessons: Sequence[Described]) -> list[tuple[str, ...]]:
    """Per lesson, the goals whose words it mentions; a goal goes to its two best lessons at most.

    The only lesson serves all of them. Titles go before headings, and these before the text, which must have nearly all
    of the words; a word that few lessons have weighs more.
    """
    if len(lessons) == 1:
        return [tuple(goals)]
    wanted = [find_stems(goal) for goal in goals]
    of_interest = frozenset[str]().union(*wanted)
    if not of_interest:
        return [() for _ in lessons]
    words = [_find_words(lesson, of_interest) for lesson in lessons]
    spread = Counter(stem for lesson in words for stem in of_interest if stem in lesson.text)
    weights = {stem: log(1 + len(words) / max(spread[stem], 1)) for stem in of_interest}
    matched: list[list[str]] = [[] for _ in lessons]
    for goal, stems in zip(goals, wanted, strict=True):
        for number in _choose_by_titles(stems, words, weights) or _choose_by_texts(stems, words, weights):
            matched[number].append(goal)
    return [tuple(lesson) for lesson in matched]


def _find_words(lesson: Described, of_interest: frozenset[str]) -> _Words:
    titles = [(find_stems(lesson.title), 1.0)]
    titles.extend((find_stems(heading), _HEADING) for heading in lesson.headings)
    titles.append((find_stems(lesson.section), _SECTION))
    return _Words([title for title in titles if title[0] & of_interest], _count_stems(lesson.text, of_interest))


def _choose_by_titles(goal: frozenset[str], lessons: Sequence[_Words], weights: Mapping[str, float]) -> list[int]:
    """The lesson whose titles fit the goal best, and one for the rest of the goal, or that fits nearly so well."""
    first = _find_best(goal, goal, lessons, weights)
    if first is None:
        return []
    others = [lesson if at != first.number else _Words((), lesson.text) for at, lesson in enumerate(lessons)]
    second = _find_best(goal - first.named, goal, others, weights) or _find_best(goal, goal, others, weights)
    if second is None or (not second.named - first.named and second.score < _SECOND_BEST * first.score):
        return [first.number]
    return [first.number, second.number]


def _find_best(
    part: frozenset[str], goal: frozenset[str], lessons: Sequence[_Words], weights: Mapping[str, float]
) -> _Fit | None:
    """The lesson with the title that fits this part of the goal best, the earliest of equals."""
    whole = sum(weights[stem] for stem in sorted(goal)) or 1
    best: _Fit | None = None
    for number, lesson in enumerate(lessons):
        for title, factor in lesson.titles:
            share = sum(weights[stem] for stem in sorted(part & title)) / whole
            score = share * (1 - len(title - goal) / len(title) / 2) * factor
            if share >= _ENOUGH_IN_TITLE and (best is None or score > best.score):
                best = _Fit(score, title & goal, number)
    return best


def _choose_by_texts(goal: frozenset[str], lessons: Sequence[_Words], weights: Mapping[str, float]) -> list[int]:
    scores = [_score_text(goal, lesson, weights) for lesson in lessons]
    best = sorted((-score, number) for number, score in enumerate(scores) if score)[:_MOST_LESSONS]
    return [number for score, number in best if score <= _SECOND_BEST * best[0][0]]


def _score_text(goal: frozenset[str], lesson: _Words, weights: Mapping[str, float]) -> float:
    """How much the lesson's text speaks of the goal; 0 when it has too few of its words."""
    mentioned = [stem for stem in sorted(goal) if lesson.text[stem]]
    if sum(weights[stem] for stem in mentioned) < _ENOUGH_IN_TEXT * sum(weights[stem] for stem in sorted(goal)):
        return 0
    return sum(weights[stem] * (1 + log(lesson.text[stem])) for stem in mentioned)


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
